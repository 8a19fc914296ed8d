// One number over many runs: a bar for each, coloured by what came out, and the same as a table.

const trend = data;
const units = {
  ms: value => ms(value) + "\u202fms", fraction: percent, per_s: value => plain(value) + "/s", count: whole, value: plain,
};
const show = value => value === null || value === undefined ? "–" : units[trend.unit](value);
const short = id => id.replaceAll("-", "").slice(0, 12);
const good = run => run.outcome === "passed" && run.grade === "VALID";
const colourOf = run => good(run) ? "var(--valid)" : run.outcome === "passed" ? "var(--suspect)" : "var(--invalid)";

const of = [trend.scenario, trend.request].filter(name => name !== null).join("/") || "all requests";
$("name").textContent = trend.metric + " of " + of;
$("about").textContent = trend.name + " · " + trend.points.length + " runs"
  + (trend.without ? " · " + trend.without + " more without such a number" : "");

const summary = trend.summary;
if (summary) {
  const change = summary.change === null ? "" : (summary.change < 0 ? "−" : "+") + percent(Math.abs(summary.change));
  for (const [name, text] of [["Lowest", show(summary.lowest)], ["Median", show(summary.median)], ["Highest", show(summary.highest)],
    ["Last", show(summary.last)], ["Against the median before it", change || "–"]]) tile(name, text);
}

function drawTrend() {
  const host = $("chart"), width = host.clientWidth || 900, height = 280, points = trend.points;
  if (!points.length) return host.replaceChildren(node("p", { class: "faint" }, "No run has such a number."));
  const shown = points.map(point => trend.unit === "fraction" ? point.value * 100 : point.value);
  const high = shown.reduce((a, b) => Math.max(a, b), 0) * 1.05 || 1, low = shown.reduce((a, b) => Math.min(a, b), 0);
  const y = scale(low, high, height - BOTTOM, TOP), step = (width - LEFT - RIGHT) / points.length, wide = Math.min(step * 0.8, 48);
  const axis = shape("g", { class: "axis" });
  for (const value of valueAxis(low, high)) {
    axis.append(shape("line", { x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) }),
      shape("text", { x: LEFT - 8, y: y(value) + 4, "text-anchor": "end" }, tick(value)));
  }
  const every = Math.ceil(points.length / Math.max(2, Math.floor(width / 120)));
  const bars = points.map((point, place) => {
    const left = LEFT + place * step, top = y(Math.max(shown[place], 0));
    if (place % every === 0) {
      axis.append(shape("text", { x: left + step / 2, y: height - 8, "text-anchor": "middle" }, date(point.run.started_at).slice(0, 10)));
    }
    return shape("rect", { x: left + (step - wide) / 2, width: wide, y: top, height: Math.max(y(Math.min(shown[place], 0)) - top, 1),
      fill: colourOf(point.run) }, shape("title", {}, `${date(point.run.started_at)} ${short(point.run.id)} ${point.run.outcome}: ${show(point.value)}`));
  });
  const picture = shape("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": trend.metric + " over runs" }, axis, ...bars);
  if (summary) {
    const middle = y(trend.unit === "fraction" ? summary.median * 100 : summary.median);
    picture.append(shape("line", { x1: LEFT, x2: width - RIGHT, y1: middle, y2: middle, stroke: "var(--blue)", "stroke-dasharray": "5 4" },
      shape("title", {}, "median " + show(summary.median))));
  }
  const unit = { ms: "ms", fraction: "per cent", per_s: "per second" }[trend.unit] || "";
  host.replaceChildren(node("div", { class: "legend" }, node("span", {}, "a bar for each run; dashed: their median"), node("span", { class: "at" }, unit)), picture);
}

const column = (head, cell) => ({ head, cell: point => cell(point.run, point.value) });
fill("runs", table("Runs", [{ head: "Run", cell: point => node("code", {}, short(point.run.id)) }, column("Started (UTC)", run => date(run.started_at)),
  column("Outcome", run => run.outcome + (run.grade === "VALID" ? "" : " " + run.grade)), column(trend.metric, (_, value) => show(value)),
  column("Requests", run => plain(run.requests)), column("Rate/s", run => plain(run.rate_per_s)),
  column("Failed", run => run.failed === null ? "–" : percent(run.failed)), column("p50 ms", run => ms(run.p50_ms)), column("p99 ms", run => ms(run.p99_ms))],
  [...trend.points].reverse()));

followTheme(drawTrend);
