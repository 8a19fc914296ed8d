"use strict";
// Charts of numbers over time, and of curves: lines as SVG, heat as a canvas. No library, and no text but as text.

const SVG = "http://www.w3.org/2000/svg";
function shape(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes || {})) element.setAttribute(key, value);
  element.append(...children);
  return element;
}
function node(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === "class") element.className = value; else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

// Numbers as people read them.
const grouped = text => text.replace(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
function whole(number) { return grouped(String(Math.round(number))); }
function plain(number) {
  if (number === null || number === undefined) return "–";
  const size = Math.abs(number);
  if (size >= 1000) return whole(number);
  return String(Number(number.toFixed(size >= 100 ? 1 : size >= 1 ? 2 : 3)));
}
function ms(number) {
  if (number === null || number === undefined) return "–";
  if (number >= 1000) return grouped(number.toFixed(0));
  return number.toFixed(number >= 10 ? 1 : number >= 0.1 ? 2 : 3);
}
// As axes have it: no more digits than there are.
function tick(number) { return number >= 1000 ? whole(number) : String(Number(number.toPrecision(3))); }
function percent(fraction) { return (fraction * 100).toFixed(2) + "\u202f%"; }
function clock(seconds) {
  const s = Math.round(seconds), pad = n => String(n).padStart(2, "0");
  if (s < 60) return s + "s";
  if (s < 3600) return Math.floor(s / 60) + "m" + pad(s % 60) + "s";
  return Math.floor(s / 3600) + "h" + pad(Math.floor(s / 60) % 60) + "m";
}

// Where ticks stand: at 1, 2 or 5 times a power of ten.
function ticks(low, high, count) {
  const rough = (high - low) / count || 1, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(n => n * power).find(n => n >= rough);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step / 1e6; at += step) found.push(Number(at.toPrecision(12)));
  return found;
}
function clockTicks(from, to, count) {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200];
  const step = steps.find(step => (to - from) / step <= count) || 86400, found = [];
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) found.push(at);
  return found;
}
function scale(low, high, from, to, logarithmic) {
  if (!logarithmic) return value => from + (value - low) / (high - low || 1) * (to - from);
  const base = Math.log10(low), span = Math.log10(high) - base || 1;
  return value => from + (Math.log10(Math.max(value, low)) - base) / span * (to - from);
}
function valueAxis(low, high, logarithmic) {
  if (!logarithmic) return ticks(low, high, 4);
  const found = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    const within = [1, 2, 5].map(n => n * 10 ** power).filter(n => n >= low && n <= high);
    found.push(...(Math.log10(high / low) > 2.5 ? within.filter(n => Math.abs(Math.log10(n) % 1) < 1e-9) : within));
  }
  return found.length > 1 ? found : ticks(low, high, 3);
}

const LEFT = 58, RIGHT = 14, TOP = 10, BOTTOM = 36, RIBBON = 6;
const COLOURS = { valid: "var(--valid)", suspect: "var(--suspect)", invalid: "var(--invalid)" };

// All charts over time show the same stretch, and have one cursor.
const shared = { from: 0, to: 1, cursor: null, logarithmic: true, charts: [] };
function redraw() { shared.charts.forEach(chart => chart.draw()); }
function point(place) { shared.cursor = place; shared.charts.forEach(chart => chart.point()); }

class TimeChart {
  // `lines` gives what to draw: { name, values, colour, dash, times }, with times where they are not the chart's own but those of
  // the run `beside` it.
  constructor(host, title, times, lines, options) {
    Object.assign(this, { title, times, lines, options: options || {}, drawn: [] });
    this.runs = this.options.beside ? [times, this.options.beside] : [times];
    this.legend = node("div", { class: "legend" });
    this.host = node("div", { class: "chart" }, node("h3", {}, title), this.legend);
    this.picture = shape("svg", { role: "img", tabindex: 0, "aria-label": title + " over time" });
    this.host.append(this.picture);
    host.append(this.host);
    this.listen();
    shared.charts.push(this);
  }
  get width() { return this.host.clientWidth || 900; }
  get height() { return this.options.height || 210; }
  x(seconds) { return scale(shared.from, shared.to, LEFT, this.width - RIGHT)(seconds); }
  middle(place, times = this.times) { return times.second[place] + times.resolution_s[place] / 2; }
  shown(times = this.times) {
    const places = [];
    for (let place = 0; place < times.second.length; place++) {
      const middle = this.middle(place, times);
      if (middle >= shared.from && middle <= shared.to) places.push(place);
    }
    return places;
  }
  frame(yOf, labels) {
    const { width, height } = this, axis = shape("g", { class: "axis" });
    for (const value of labels) {
      const y = yOf(value);
      axis.append(shape("line", { x1: LEFT, x2: width - RIGHT, y1: y, y2: y }),
        shape("text", { x: LEFT - 8, y: y + 4, "text-anchor": "end" }, tick(value)));
    }
    for (const second of clockTicks(shared.from, shared.to, Math.max(3, width / 110))) {
      // The last one ends where the picture does.
      const x = this.x(second), isLast = x > width - 24, y = height - (this.runs.length > 1 ? 4 : 8);
      axis.append(shape("text", { x: isLast ? width : x, y, "text-anchor": isLast ? "end" : "middle" }, clock(second)));
    }
    return axis;
  }
  // Whether the generators can be believed, under every axis; what is not valid is also raised.
  ribbon(times, number) {
    const names = { V: "valid", S: "suspect", I: "invalid" }, group = shape("g"), top = this.height - BOTTOM + 5 + number * (RIBBON + 1);
    let begun = 0;
    for (let place = 1; place <= times.second.length; place++) {
      if (times.validity[place] === times.validity[begun]) continue;
      const last = place - 1, grade = names[times.validity[begun]] || "valid";
      const from = Math.max(times.second[begun], shared.from);
      const to = Math.min(times.second[last] + times.resolution_s[last], shared.to);
      const raised = grade === "valid" ? 2 : 0;
      if (to > from) {
        group.append(shape("rect", { x: this.x(from), width: Math.max(this.x(to) - this.x(from), 0.5), y: top + raised,
          height: RIBBON - raised, fill: COLOURS[grade] }, shape("title", {}, grade.toUpperCase())));
      }
      begun = place;
    }
    return group;
  }
  ribbons() { return this.runs.map((times, number) => this.ribbon(times, number)); }
  notes() {
    const group = shape("g");
    for (const [at, text] of this.runs.flatMap(times => times.annotations)) {
      if (at < shared.from || at > shared.to) continue;
      group.append(shape("line", { x1: this.x(at), x2: this.x(at), y1: TOP, y2: this.height - BOTTOM, stroke: "var(--violet)",
        "stroke-dasharray": "2 3" }, shape("title", {}, text)));
    }
    return group;
  }
  draw() {
    const { width, height } = this, lines = this.lines(), places = new Map(this.runs.map(times => [times, this.shown(times)]));
    const placesOf = line => places.get(line.times || this.times);
    const values = lines.flatMap(line => placesOf(line).map(place => line.values[place])).filter(value => value !== null && value !== undefined);
    const logarithmic = this.options.logarithmic && shared.logarithmic && values.some(value => value > 0);
    const positive = values.filter(value => value > 0);
    let high = values.reduce((a, b) => Math.max(a, b), 0), low = logarithmic ? positive.reduce((a, b) => Math.min(a, b), high) : 0;
    if (logarithmic && high / low < 4) { low = low / 2; high = high * 2; }
    if (!logarithmic) high = high * 1.05 || 1;
    const y = scale(low, high, height - BOTTOM, TOP, logarithmic);
    this.picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.picture.setAttribute("height", height);
    this.cursor = shape("line", { y1: TOP, y2: height - BOTTOM, stroke: "var(--faint)", visibility: "hidden" });
    const paths = lines.map(line => {
      let path = "", open = false;
      for (const place of placesOf(line)) {
        const value = line.values[place];
        if (value === null || value === undefined) { open = false; continue; }
        path += `${open ? "L" : "M"}${this.x(this.middle(place, line.times)).toFixed(1)} ${y(value).toFixed(1)}`;
        // A lone value is a line as well.
        if (!open) path += "h0.01";
        open = true;
      }
      return shape("path", { d: path || "M0 0", fill: "none", stroke: line.colour, "stroke-width": line.width || 1.7,
        "stroke-dasharray": line.dash || "none", "stroke-linejoin": "round", "stroke-linecap": "round" });
    });
    this.picture.replaceChildren(this.frame(y, valueAxis(low, high, logarithmic)), ...this.ribbons(), this.notes(), ...paths, this.cursor);
    this.drawn = lines;
    this.point();
  }
  point() {
    const place = shared.cursor, known = place !== null && place < this.times.second.length;
    const format = this.options.format || plain, at = times => times === this.times ? place : this.placeAt(this.middle(place), times);
    this.legend.replaceChildren(...this.drawn.map(line => node("span", {},
      shape("svg", { viewBox: "0 0 26 8", "aria-hidden": "true" }, shape("line", { x1: 1, x2: 25, y1: 4, y2: 4, stroke: line.colour,
        "stroke-width": line.width || 2, "stroke-dasharray": line.dash || "none", "stroke-linecap": "round" })),
      line.name, known ? node("b", {}, " " + format(line.values[at(line.times || this.times)]) + (this.options.unit || "")) : "")));
    if (known) {
      const reasons = this.runs.filter(times => times.reasons[at(times)]).map(times => `, ${times.name || ""} not valid: ${times.reasons[at(times)]}`);
      this.legend.append(node("span", { class: "at" }, "at " + clock(this.times.second[place]) + reasons.join("").replace(",  ", ", ")));
      const x = this.x(this.middle(place));
      this.cursor.setAttribute("x1", x); this.cursor.setAttribute("x2", x);
    }
    this.cursor.setAttribute("visibility", known ? "visible" : "hidden");
  }
  secondAt(event) {
    const box = this.picture.getBoundingClientRect(), x = (event.clientX - box.left) / box.width * this.width;
    return shared.from + (x - LEFT) / (this.width - LEFT - RIGHT) * (shared.to - shared.from);
  }
  placeAt(second, times = this.times) {
    const starts = times.second;
    let place = starts.findIndex(start => start > second);
    place = place < 0 ? starts.length - 1 : Math.max(place - 1, 0);
    // The run beside may have ended before.
    const isOver = times !== this.times && place >= 0 && second > starts[place] + times.resolution_s[place];
    return starts.length && !isOver ? place : null;
  }
  listen() {
    let begun = null, mark = null;
    this.picture.addEventListener("pointermove", event => {
      const second = this.secondAt(event);
      point(this.placeAt(second));
      if (begun === null) return;
      mark = mark || this.picture.appendChild(shape("rect", { y: TOP, height: this.height - TOP - BOTTOM, fill: "var(--blue)", opacity: 0.15 }));
      mark.setAttribute("x", this.x(Math.min(begun, second)));
      mark.setAttribute("width", Math.abs(this.x(second) - this.x(begun)));
    });
    this.picture.addEventListener("pointerdown", event => { if (event.pointerType !== "touch") begun = this.secondAt(event); });
    this.picture.addEventListener("pointerup", event => {
      const ended = this.secondAt(event), started = begun;
      begun = null; mark = null;
      if (started !== null && Math.abs(this.x(ended) - this.x(started)) > 8) look(Math.min(started, ended), Math.max(started, ended));
    });
    this.picture.addEventListener("pointerleave", () => { begun = null; if (mark) mark.remove(); mark = null; point(null); });
    this.picture.addEventListener("dblclick", () => look(null));
    this.picture.addEventListener("keydown", event => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const last = this.times.second.length - 1;
      point(Math.min(Math.max((shared.cursor === null ? (step > 0 ? -1 : last + 1) : shared.cursor) + step, 0), last));
    });
  }
}

// Looks at a stretch of the run, or at all of it.
function look(from, to) {
  shared.from = from === null ? 0 : Math.max(from, 0);
  shared.to = from === null ? shared.end : Math.min(Math.max(to, shared.from + 1), shared.end);
  redraw();
}

// How many requests took how long, by time: the darker, the more.
class HeatMap extends TimeChart {
  constructor(host, title, times) {
    super(host, title, times, () => [], { height: 230 });
    this.canvas = node("canvas", { "aria-hidden": "true" });
    this.picture.setAttribute("aria-label", title + ": how many requests took how long, by time");
    this.host.style.position = "relative";
    this.canvas.style.position = "absolute"; this.canvas.style.left = "0"; this.canvas.style.pointerEvents = "none";
    this.host.insertBefore(this.canvas, this.picture);
    this.picture.style.position = "relative";
  }
  draw() {
    const { width, height } = this, places = this.shown();
    let low = Infinity, high = -Infinity, most = 0;
    for (const place of places) {
      for (const [step, count] of this.times.steps[place]) {
        low = Math.min(low, step); high = Math.max(high, step); most = Math.max(most, count / this.times.resolution_s[place]);
      }
    }
    if (low > high) { low = 20; high = 30; }
    const [least, longest] = [10 ** (low / 10 - 3), 10 ** ((high + 1) / 10 - 3)];
    const y = scale(least, longest, height - BOTTOM, TOP, true), ratio = window.devicePixelRatio || 1;
    this.canvas.width = width * ratio; this.canvas.height = height * ratio;
    this.canvas.style.height = height + "px";
    const paint = this.canvas.getContext("2d"), ink = getComputedStyle(document.documentElement).getPropertyValue("--heat").trim();
    paint.scale(ratio, ratio);
    for (const place of places) {
      const from = this.x(this.times.second[place]), to = this.x(this.times.second[place] + this.times.resolution_s[place]);
      for (const [step, count] of this.times.steps[place]) {
        const part = Math.log1p(count / this.times.resolution_s[place]) / Math.log1p(most);
        paint.fillStyle = `rgba(${ink}, ${(0.08 + 0.92 * part).toFixed(3)})`;
        const top = y(10 ** ((step + 1) / 10 - 3)), bottom = y(10 ** (step / 10 - 3));
        paint.fillRect(from, top, Math.max(to - from, 0.7) + 0.3, bottom - top + 0.3);
      }
    }
    this.picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.picture.setAttribute("height", height);
    this.cursor = shape("line", { y1: TOP, y2: height - BOTTOM, stroke: "var(--faint)", visibility: "hidden" });
    this.picture.replaceChildren(this.frame(y, valueAxis(least, longest, true)), ...this.ribbons(), this.notes(), this.cursor);
    this.point();
  }
}

// A distribution's curve, finer and finer towards 100 %.
function drawCurve(host, lines) {
  const width = host.clientWidth || 900, height = 300, nines = value => -Math.log10(1 - Math.min(value, 99.99995) / 100);
  const values = lines.flatMap(line => line.points.map(([, time]) => time)).filter(time => time > 0);
  if (!values.length) return host.replaceChildren(node("p", { class: "faint" }, "Nothing was measured."));
  const inner = lines.flatMap(line => line.points.slice(0, -1).map(([share]) => nines(share)));
  const right = Math.max(1, ...inner), logarithmic = shared.logarithmic;
  let low = logarithmic ? Math.min(...values) : 0, high = Math.max(...values);
  if (logarithmic && high / low < 4) { low /= 2; high *= 2; }
  const x = scale(0, right * 1.02, LEFT, width - RIGHT), y = scale(low, high * 1.02, height - BOTTOM, TOP, logarithmic);
  const picture = shape("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": "Times by percentile" });
  const axis = shape("g", { class: "axis" });
  for (const value of valueAxis(low, high * 1.02, logarithmic)) {
    axis.append(shape("line", { x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }),
      shape("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, tick(value)));
  }
  const names = width > 560 ? [0, 50, 75, 90, 95, 99, 99.9, 99.99, 99.999, 99.9999] : [0, 90, 99, 99.9, 99.99, 99.999];
  for (const share of names.filter(share => nines(share) <= right * 1.02)) {
    axis.append(shape("line", { x1: x(nines(share)), x2: x(nines(share)), y1: TOP, y2: height - BOTTOM }),
      shape("text", { x: x(nines(share)), y: height - 14, "text-anchor": "middle" }, share + " %"));
  }
  picture.append(axis);
  for (const line of lines) {
    const path = line.points.map(([share, time], place) => {
      const at = share >= 100 ? right * 1.02 : nines(share);
      return `${place ? "L" : "M"}${x(at).toFixed(1)} ${y(time).toFixed(1)}`;
    });
    picture.append(shape("path", { d: path.join(""), fill: "none", stroke: line.colour, "stroke-width": 2, "stroke-dasharray": line.dash || "none" }));
  }
  const legend = node("div", { class: "legend" }, ...lines.map(line => node("span", {},
    shape("svg", { viewBox: "0 0 26 8", "aria-hidden": "true" }, shape("line", { x1: 1, x2: 25, y1: 4, y2: 4, stroke: line.colour, "stroke-width": 2, "stroke-dasharray": line.dash || "none" })),
    line.name)), node("span", { class: "at" }, "ms, by percentile"));
  host.replaceChildren(legend, picture);
}
