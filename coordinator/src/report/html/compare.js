// Two runs side by side: what is shown, what is noise, and how sure that is.

const { comparison, limits, runs } = data, [before, after] = runs;
before.timeline.name = "before"; after.timeline.name = "after";
const KINDS = { worse: "bad", better: "good", same: "faint", unknown: "faint", doubtful: "doubtful" };
const MARKS = { worse: "▲ worse", better: "▼ better", same: "same", unknown: "open", doubtful: "! doubtful" };
const INKS = { worse: "var(--red)", better: "var(--green)", same: "var(--faint)", unknown: "var(--faint)" };
const isOfAll = row => row.request === null;
const sameAs = of => row => row.scenario === of.scenario && row.request === of.request;
const nameOf = row => isOfAll(row) ? "all requests" : row.scenario + " / " + row.request;
// As parts of what it was; of failures in percentage points.
function signed(part, row) {
  if (part === null || part === undefined) return "–";
  return (part < 0 ? "−" : "+") + Math.abs(part * 100).toFixed(1) + (row && row.number === "failed" ? "\u202fpp" : "\u202f%");
}
function shown(value, row) { return row.number === "failed" ? percent(value) : row.number === "rate" ? plain(value) + "/s" : ms(value) + "\u202fms"; }

// What was found, in words, before any number.
const ofAll = comparison.rows.filter(isOfAll), kinds = new Set(ofAll.map(row => row.finding));
const isBroken = limits.some(limit => limit.holds === false);
const overall = isBroken ? ["REGRESSION", "bad"] : kinds.has("worse") ? [kinds.has("better") ? "MIXED" : "WORSE", "bad"]
  : kinds.has("better") ? ["BETTER", "good"] : kinds.has("same") ? ["NO DIFFERENCE SHOWN", "doubtful"] : ["TOO LITTLE TO TELL", "doubtful"];
$("badge").textContent = overall[0];
$("badge").classList.add(overall[1]);
$("name").textContent = comparison.runs[1].name;
comparison.runs.forEach((side, place) => {
  const words = [["before", "after"][place], date(side.started_at), "run " + side.id, clock(runs[place].duration_s), side.validity, side.name];
  $("about").append(...(place ? [node("br")] : []), words.join("  ·  "));
});
$("told").append(...comparison.findings.map(finding => node("li", {}, node("b", { class: KINDS[finding.kind] }, MARKS[finding.kind]), " ", finding.text)));
if (!comparison.findings.length) fill("told", node("li", {}, "Nothing that both runs measured can be compared."));
for (const row of ofAll) tile(row.number, shown(row.values[1], row), signed(row.shift, row), KINDS[row.finding] === "faint" ? "" : KINDS[row.finding]);

if (limits.length) {
  fill("limits", table("What was allowed", [
    { head: "number", cell: limit => limit.number }, { head: "may be worse by", cell: limit => percent(limit.worse_max) },
    { head: "verdict", cell: limit => node("span", { class: limit.holds === null ? "doubtful" : limit.holds ? "good" : "bad" },
      limit.holds === null ? "nobody can tell" : limit.holds ? "✓ held" : "✗ broken") },
    { head: "in words", cell: limit => limit.text, text: true }], limits));
} else hide("limits");
if (comparison.conditions.length) {
  fill("conditions", node("p", { class: "faint" }, "What differs below may come from here."),
    node("ul", { class: "plain" }, ...comparison.conditions.map(told => node("li", {}, told))));
} else hide("conditions");

// A forest: an interval for each number, all on one scale with zero in its middle.
const bandsOf = rows => rows.filter(row => row.band).flatMap(row => row.band.map(Math.abs));
const widest = bandsOf(comparison.rows).reduce((a, b) => Math.max(a, b), 0.02);
const extent = [0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1].find(step => step >= widest) || 1;
const FOREST = 240;
const forestX = part => scale(-extent, extent, 8, FOREST - 8)(Math.min(Math.max(part, -extent), extent));
function limitOf(row) {
  const limit = isOfAll(row) && limits.find(limit => limit.number === row.number);
  return limit ? (row.number === "rate" ? -limit.worse_max : limit.worse_max) : null;
}
function forest(row) {
  const picture = shape("svg", { viewBox: `0 0 ${FOREST} 20`, role: "img" }), ink = INKS[row.finding], limit = limitOf(row);
  picture.setAttribute("aria-label", row.band ? `between ${signed(row.band[0], row)} and ${signed(row.band[1], row)}` : "nobody can tell");
  picture.append(shape("line", { x1: FOREST / 2, x2: FOREST / 2, y1: 0, y2: 20, stroke: "var(--ink)", "stroke-width": 1 }));
  if (limit !== null && Math.abs(limit) <= extent) {
    picture.append(shape("line", { x1: forestX(limit), x2: forestX(limit), y1: 0, y2: 20, stroke: "var(--red)", "stroke-width": 1.5, "stroke-dasharray": "3 2" },
      shape("title", {}, "allowed: " + signed(limit, row))));
  }
  if (!row.band) return picture;
  const [low, high] = row.band, end = (part, way) => Math.abs(part) > extent && Math.sign(part) === way
    ? shape("path", { d: `M${forestX(part)} 10l${-6 * way} -5v10z`, fill: ink })
    : shape("line", { x1: forestX(part), x2: forestX(part), y1: 6, y2: 14, stroke: ink, "stroke-width": 1.5 });
  picture.append(shape("line", { x1: forestX(low), x2: forestX(high), y1: 10, y2: 10, stroke: ink, "stroke-width": 2 }),
    end(low, -1), end(high, 1), shape("rect", { x: forestX(row.shift) - 4, y: 6, width: 8, height: 8, fill: ink }));
  return picture;
}
function forestAxis() {
  const text = (part, anchor) => shape("text", { x: forestX(part), y: 14, "text-anchor": anchor }, part ? signed(part).replace(".0", "") : "0");
  return node("span", { class: "forest" }, shape("svg", { viewBox: `0 0 ${FOREST} 20`, class: "axis", role: "img", "aria-label": "shift, from less to more" },
    text(-extent, "start"), text(0, "middle"), text(extent, "end")));
}
const finding = row => [node("span", { class: KINDS[row.finding] }, MARKS[row.finding]),
  row.finding === "same" ? ` (${signed(row.shown_from, row).slice(1)} would be seen)` : row.because ? ": " + row.because : ""];
const COLUMNS = [{ head: "number", cell: row => row.number }, { head: "shift", cell: row => signed(row.shift, row) },
  { head: forestAxis, cell: row => node("span", { class: "forest" }, forest(row)) },
  { head: "95 % of the time in", cell: row => row.band ? signed(row.band[0], row) + " .. " + signed(row.band[1], row) : "–" },
  { head: "before", cell: row => shown(row.values[0], row) }, { head: "after", cell: row => shown(row.values[1], row) },
  { head: "finding", cell: finding, text: true }];
const columns = () => COLUMNS.map(column => ({ ...column, head: typeof column.head === "function" ? column.head() : column.head }));
const named = comparison.rows.filter((row, place, rows) => place === 0 || !sameAs(row)(rows[place - 1]));
const OPENED_MAX = 8;
const differing = named.filter(of => !isOfAll(of) && comparison.rows.some(row => sameAs(of)(row) && (row.finding === "worse" || row.finding === "better")));
for (const of of named) {
  const rows = comparison.rows.filter(sameAs(of));
  const count = kind => rows.filter(row => row.finding === kind).length;
  if (isOfAll(of)) { fill("numbers", table("All requests", columns(), rows)); continue; }
  const counts = ["worse", "better"].filter(count).map(kind => node("span", { class: KINDS[kind] }, `  ${count(kind)} ${kind}`));
  const opened = differing.includes(of) && differing.indexOf(of) < OPENED_MAX;
  fill("numbers", node("details", opened ? { open: "" } : {}, node("summary", {}, node("b", {}, nameOf(of)), ...counts), table(nameOf(of), columns(), rows)));
}
if (!named.length) fill("numbers", node("p", { class: "faint" }, "There are none that both runs have."));
else fill("numbers", node("p", { class: "faint" }, "Shifts of times and rates are parts of what they were, of failures percentage points (pp). " +
  "The bar is where the true shift lies with 95 % confidence, and the square what was found; a difference is shown where the bar leaves zero out. " +
  "Of twenty such intervals one is expected to miss." + (limits.length ? " Dashed red: what was allowed." : "")));

// One request closer.
const choices = comparison.quantiles.filter((row, place, rows) => place === 0 || !sameAs(row)(rows[place - 1]));
const chosen = () => choices[Number($("series").value)] || choices[0] || { scenario: null, request: null };
$("series").append(...choices.map((of, place) => node("option", { value: place }, nameOf(of))));
$("bands").textContent = "Intervals are " + comparison.quantile_bands + ". A quantile that too few requests lie beyond is left open.";
const HALVES = [{ run: before, name: "before", colour: "var(--orange)", dash: "6 4" }, { run: after, name: "after", colour: "var(--blue)" }];
const timesOf = run => isOfAll(chosen()) ? run.timeline.all : run.timeline.series.find(sameAs(chosen())) || {};
const lines = pick => () => HALVES.map(({ run, ...how }) => ({ ...how, times: run.timeline, values: pick(run) || [] }));
const rateOf = run => isOfAll(chosen()) ? run.timeline.done_per_s
  : (timesOf(run).count || []).map((count, place) => count / run.timeline.resolution_s[place]);
const endOf = times => times.second.length ? times.second[times.second.length - 1] + times.resolution_s[times.second.length - 1] : 0;
const [longer, shorter] = endOf(after.timeline) >= endOf(before.timeline) ? [after.timeline, before.timeline] : [before.timeline, after.timeline];
shared.end = endOf(longer);
shared.to = shared.end;
if (shared.end) {
  const chart = (title, pick, options) => new TimeChart($("charts"), title, longer, lines(pick), { ...options, beside: shorter });
  chart("p50, ms", run => timesOf(run).p50_ms, { format: ms, unit: " ms", logarithmic: true });
  chart("p99, ms", run => timesOf(run).p99_ms, { format: ms, unit: " ms", logarithmic: true });
  chart("Done per second", rateOf, { unit: "/s" });
  fill("charts", node("p", { class: "faint" }, `Each run from its own start; warm-up is shown, and left out of the numbers. Under each chart: whether the generators can be believed, of the run ${longer.name}, then of the run ${shorter.name}.`));
}

function drawShifts(host, rows) {
  const width = host.clientWidth || 900, height = 260, judged = rows.filter(row => row.band);
  if (!judged.length) return host.replaceChildren(node("p", { class: "faint" }, "There is too little to tell at any quantile."));
  const reach = [...judged.flatMap(row => row.band), 0], span = Math.max(...reach) - Math.min(...reach) || 0.02;
  const low = Math.min(...reach) - span * 0.08, high = Math.max(...reach) + span * 0.08;
  const y = scale(low, high, height - BOTTOM, TOP), x = place => LEFT + (place + 0.5) * (width - LEFT - RIGHT) / rows.length;
  const axis = shape("g", { class: "axis" }), step = (width - LEFT - RIGHT) / rows.length, every = Math.ceil(44 / step);
  for (const part of ticks(low * 100, high * 100, 5)) {
    axis.append(shape("line", { x1: LEFT, x2: width - RIGHT, y1: y(part / 100), y2: y(part / 100) }),
      shape("text", { x: LEFT - 8, y: y(part / 100) + 4, "text-anchor": "end" }, tick(part) + " %"));
  }
  rows.forEach((row, place) => {
    if ((rows.length - 1 - place) % every === 0) axis.append(shape("text", { x: x(place), y: height - 12, "text-anchor": "middle" }, row.number));
  });
  const places = rows.map((row, place) => place).filter(place => rows[place].band);
  const edge = (place, end) => `${x(place).toFixed(1)} ${y(rows[place].band[end]).toFixed(1)}`;
  const band = shape("path", { d: "M" + [...places.map(place => edge(place, 1)), ...places.toReversed().map(place => edge(place, 0))].join("L") + "Z",
    fill: "var(--blue)", opacity: 0.12 });
  const curve = shape("path", { d: "M" + places.map(place => `${x(place).toFixed(1)} ${y(rows[place].shift).toFixed(1)}`).join("L"), fill: "none",
    stroke: "var(--blue)", "stroke-width": 1.5, "stroke-dasharray": "2 3" });
  const zero = shape("line", { x1: LEFT, x2: width - RIGHT, y1: y(0), y2: y(0), stroke: "var(--ink)" });
  const marks = rows.map((row, place) => {
    const ink = INKS[row.finding], at = x(place);
    if (!row.band) return shape("rect", { x: at - 3, y: y(0) - 3, width: 6, height: 6, class: "open" }, shape("title", {}, `${row.number}: ${row.because}`));
    return shape("g", {}, shape("line", { x1: at, x2: at, y1: y(row.band[0]), y2: y(row.band[1]), stroke: ink, "stroke-width": 2 }),
      shape("rect", { x: at - 4, y: y(row.shift) - 4, width: 8, height: 8, fill: ink }),
      shape("title", {}, `${row.number}: ${signed(row.shift)}, ${signed(row.band[0])} .. ${signed(row.band[1])}, ${row.finding}`));
  });
  const key = (kind, text) => node("span", {}, shape("svg", { viewBox: "0 0 26 8", "aria-hidden": "true" },
    shape("line", { x1: 2, x2: 24, y1: 4, y2: 4, stroke: INKS[kind], "stroke-width": 2 }), shape("rect", { x: 9, width: 8, height: 8, fill: INKS[kind] })), text);
  host.replaceChildren(node("div", { class: "legend" }, key("worse", "shown to be longer"), key("better", "shown to be shorter"), key("same", "no difference shown"),
    node("span", {}, shape("svg", { viewBox: "0 0 26 8", "aria-hidden": "true" }, shape("rect", { x: 10, y: 1, width: 6, height: 6, class: "open" })), "left open"),
    node("span", { class: "at" }, "shift, by quantile")),
    shape("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": "Shift by quantile, with intervals" }, axis, band, curve, zero, ...marks));
}
function closer() {
  const rows = comparison.quantiles.filter(sameAs(chosen()));
  drawShifts($("shifts"), rows);
  $("exact").replaceChildren($("exact").firstElementChild, table("Quantiles", columns(), rows));
  drawCurve($("curve"), HALVES.map(({ run, ...how }) => ({ ...how, points: (run.curves.find(sameAs(chosen())) || { points: [] }).points })));
}
if (choices.length) {
  $("series").addEventListener("change", () => { redraw(); closer(); });
  $("log").addEventListener("change", () => { shared.logarithmic = $("log").checked; redraw(); closer(); });
  $("all").addEventListener("click", () => look(null));
} else hide("closer");
followTheme(() => { redraw(); if (choices.length) closer(); });
