// The page: what of the document stands where.

const run = data.run, verdict = data.verdict, times = data.timeline;
const metricsBy = new Map(data.metrics.map(metric => [[metric.name, metric.scenario, metric.request, metric.group].join("\n"), metric]));
function metric(name, scenario, request) { return metricsBy.get([name, scenario, request, undefined].join("\n")); }
const several = run.plan.scenarios.length > 1;
function called(of) { return several && of.scenario ? of.scenario + " / " + of.request : of.request; }

// The verdict first.
const good = { passed: "good", stopped: "doubtful" };
$("name").textContent = run.name;
$("badge").textContent = verdict.outcome.toUpperCase();
$("badge").classList.add(good[verdict.outcome] || "bad");
const tags = Object.entries(run.tags).map(([key, value]) => key + "=" + value);
$("about").textContent = [date(run.started_at), "run " + run.id, clock(run.duration_s),
  data.agents.length + (data.agents.length === 1 ? " agent" : " agents"), "seed " + run.seed, ...tags].join("  ·  ");
$("findings").append(...verdict.findings.map(text => node("li", {}, text)));
const all = metric("http_req_duration", null, null), requests = metric("http_reqs", null, null), failed = metric("http_req_failed", null, null);
if (run.began) {
  tile("requests", whole(requests ? requests.count : 0));
  tile("rate", plain(requests ? requests.rate_per_s : 0), "/s");
  tile("failed", failed ? percent(failed.fraction) : "–", "", failed && failed.count ? "bad" : "");
  for (const share of ["50", "95", "99", "99.9"]) tile("p" + share, all ? ms(all.percentiles_ms[share]) : "–", "ms");
  tile("longest", all ? ms(all.max_ms) : "–", "ms");
  const grade = verdict.validity.grade;
  tile("validity", grade, "", { VALID: "good", SUSPECT: "doubtful" }[grade] || "bad");
}

// Thresholds.
function valueOf(threshold) {
  if (threshold.value === null) return "–";
  const as = { ms: value => ms(value) + " ms", fraction: percent, per_s: value => plain(value) + " /s" };
  return (as[threshold.unit] || plain)(threshold.value);
}
if (verdict.thresholds.length) {
  fill("thresholds", table("Thresholds", [
    { head: "verdict", cell: line => node("span", { class: line.passed ? "good" : "bad" }, line.passed ? "✓ held" : "✗ failed") },
    { head: "threshold", cell: line => node("code", {}, line.expression), text: true },
    { head: "found", cell: valueOf }, { head: "over", cell: line => line.window },
    { head: "remark", cell: line => line.remark || "", text: true },
  ], verdict.thresholds));
} else hide("thresholds");

// A row for each request, with the service time under the response time.
const series = data.metrics.filter(of => of.name === "http_reqs" && of.request !== null);
if (series.length && run.began) {
  const rows = series.concat(series.length > 1 ? [{ ...requests, request: "all" }] : []).flatMap(of => {
    const find = name => metric(name, of.scenario, of.request === "all" && of.scenario === null ? null : of.request);
    return [{ of, times: find("http_req_duration"), failed: find("http_req_failed") }, { of, times: find("service_time"), service: true }];
  });
  const share = name => ({ head: "p" + name, cell: row => ms(row.times && row.times.percentiles_ms[name]) });
  fill("requests", table("Requests", [
    { head: "request", cell: row => row.service ? "service time" : row.of.request === "all" && row.of.scenario === null ? "all" : called(row.of) },
    { head: "count", cell: row => row.service ? "" : whole(row.of.count) },
    { head: "rate/s", cell: row => row.service ? "" : plain(row.of.rate_per_s) },
    { head: "failed", cell: row => row.service ? "" : node("span", { class: row.failed && row.failed.count ? "bad" : "" }, percent(row.failed ? row.failed.fraction : 0)) },
    { head: "min", cell: row => ms(row.times && row.times.min_ms) }, { head: "mean", cell: row => ms(row.times && row.times.mean_ms) },
    share("50"), share("90"), share("95"), share("99"), share("99.9"), share("99.99"),
    { head: "max", cell: row => ms(row.times && row.times.max_ms) },
  ], rows, row => row.service ? "service" : "first"),
  node("p", { class: "faint" }, "Times in ms. Response time is from due to done, service time from sent to done; warm-up is left out."));
} else hide("requests");

// Over time.
const intervals = times.second.length;
if (intervals) {
  shared.end = times.second[intervals - 1] + times.resolution_s[intervals - 1];
  shared.to = shared.end;
  const chosen = () => $("series").value === "" ? null : times.series[Number($("series").value)];
  const per = (values, lookup) => times.second.map((_, place) => (lookup ? values[place] || 0 : values[place]) / times.resolution_s[place]);
  $("series").append(node("option", { value: "" }, "all"),
    ...times.series.map((of, place) => node("option", { value: place }, called(of))));
  const quantiles = () => {
    const of = chosen() || times.all;
    return [{ name: "p50", values: of.p50_ms, colour: "var(--blue)" }, { name: "p90", values: of.p90_ms, colour: "var(--green)", dash: "6 4" },
      { name: "p99", values: of.p99_ms, colour: "var(--orange)", width: 2.4 }, { name: "longest", values: of.max_ms, colour: "var(--red)", dash: "1 4" }].filter(line => line.values);
  };
  const rates = () => {
    const of = chosen();
    if (of) return [{ name: "done", values: per(of.count), colour: "var(--green)" }];
    const lines = [{ name: "sent", values: times.sent_per_s, colour: "var(--blue)" }, { name: "done", values: times.done_per_s, colour: "var(--green)", dash: "6 4" }];
    const due = { name: "iterations due", values: times.due_per_s, colour: "var(--orange)", dash: "1 4", width: 2.2 };
    return times.due_per_s.some(rate => rate > 0) ? [due, ...lines] : lines;
  };
  const trouble = () => {
    const of = chosen(), failing = of ? per(of.errors, true) : per(times.errors);
    const lines = [{ name: "failed", values: failing, colour: "var(--red)" }];
    if (!of && times.skipped.some(count => count > 0)) lines.push({ name: "iterations skipped", values: per(times.skipped), colour: "var(--violet)", dash: "6 4" });
    return lines;
  };
  const host = $("charts");
  new TimeChart(host, "Response time, ms", times, quantiles, { format: ms, unit: " ms", logarithmic: true, height: 250 });
  new TimeChart(host, "Per second", times, rates, { unit: "/s" });
  new TimeChart(host, "Trouble per second", times, trouble, { unit: "/s", height: 140 });
  new TimeChart(host, "Users at work", times, () => [{ name: "users", values: times.users, colour: "var(--sky)" }], { height: 140, format: whole });
  new HeatMap(host, "All response times, ms", times);
  host.append(node("div", { class: "ribbon" }, "Under each chart: whether the generators can be believed.",
    ...["valid", "suspect", "invalid"].map(grade => node("span", {}, shape("svg", { viewBox: "0 0 16 8", width: 16, height: 8, "aria-hidden": "true" },
      shape("rect", { width: 16, y: grade === "valid" ? 3 : 1, height: grade === "valid" ? 4 : 6, fill: COLOURS[grade] })), " " + grade))));
  if (times.annotations.length) {
    host.append(node("details", { open: "" }, node("summary", {}, "What was changed or noted while it ran"),
      node("ul", { class: "plain" }, ...times.annotations.map(([at, text]) => node("li", {}, "at " + clock(at) + ": " + text)))));
  }
  $("series").addEventListener("change", () => { redraw(); curve(); });
  $("log").addEventListener("change", () => { shared.logarithmic = $("log").checked; redraw(); curve(); });
  $("all").addEventListener("click", () => look(null));
} else hide("time");

// The curve of the chosen request, and where its time went.
const curveHost = node("div", { class: "chart" });
$("curve").append(curveHost);
function curve() {
  const of = intervals && $("series").value !== "" ? times.series[Number($("series").value)] : { scenario: null, request: null };
  const line = (name, label, colour, dash) => {
    const found = metric(name, of.scenario, of.request);
    return found && found.curve ? [{ name: label, points: found.curve, colour, dash }] : [];
  };
  drawCurve(curveHost, [...line("http_req_duration", "response time", "var(--blue)"), ...line("service_time", "service time", "var(--orange)", "6 4")]);
}
if (!all) hide("curve");
const PHASES = [["http_req_blocked", "blocked", "var(--faint)"], ["http_req_dns", "dns", "var(--violet)"], ["http_req_connecting", "connect", "var(--orange)"],
  ["http_req_tls_handshaking", "tls", "var(--red)"], ["http_req_sending", "send", "var(--sky)"], ["http_req_waiting", "wait", "var(--blue)"], ["http_req_receiving", "receive", "var(--green)"]];
if (series.some(of => metric("http_req_waiting", of.scenario, of.request))) {
  // What one request takes on average: connections are opened for some of them only.
  const average = (of, name) => { const found = metric(name, of.scenario, of.request); return found ? found.mean_ms * found.count / Math.max(of.count, 1) : 0; };
  const shares = of => PHASES.map(([name, label, colour]) => ({ label, colour, value: average(of, name) }));
  const picture = of => {
    const parts = shares(of), sum = parts.reduce((total, part) => total + part.value, 0) || 1;
    let from = 0;
    return node("span", { class: "bar-cell" }, shape("svg", { viewBox: "0 0 220 14", "aria-hidden": "true" }, ...parts.map(part => {
      const width = part.value / sum * 220, rect = shape("rect", { x: from, width, height: 14, fill: part.colour, stroke: "var(--card)", "stroke-width": 0.5 });
      rect.append(shape("title", {}, part.label)); from += width;
      return rect;
    })));
  };
  fill("phases", table("Phases", [{ head: "request", cell: called }, { head: "mean of a request", cell: picture },
    ...PHASES.map(([name, label]) => ({ head: label, cell: of => ms(average(of, name)) }))], series),
  node("p", { class: "faint" }, "Times in ms, spread over all requests: connections are opened for some of them only."));
} else hide("phases");

// Errors, checks, and what the plan measures itself.
const found = ({ sample, trace_id: trace }) => sample ? node("span", {}, node("code", {}, sample), trace ? [" trace ", node("code", {}, trace)] : []) : null;
const when = seconds => seconds === null || seconds === undefined ? "–" : clock(seconds);
if (data.errors.length) {
  fill("errors", table("Errors", [{ head: "request", cell: called }, { head: "kind", cell: error => node("code", {}, error.kind) }, { head: "count", cell: error => whole(error.count) },
    { head: "first", cell: error => when(error.first_seen_s ?? error.first_seen) }, { head: "what was found then", cell: error => found(error) ?? "–", text: true }], data.errors));
} else if (run.began) fill("errors", node("p", { class: "good" }, "None.")); else hide("errors");
if (data.checks.length) {
  fill("checks", table("Checks", [{ head: "request", cell: called }, { head: "check", cell: check => check.check, text: true },
    { head: "true", cell: check => node("span", { class: check.fails ? "bad" : "good" }, percent(check.passes / Math.max(check.passes + check.fails, 1))) },
    { head: "of", cell: check => whole(check.passes + check.fails) }, { head: "first failed", cell: check => when(check.first_failed) },
    { head: "what was found then", cell: check => found(check) ?? "", text: true }], data.checks));
} else hide("checks");
const own = data.metrics.filter(of => of.name === "group_duration" && of.group || run.plan.metrics && run.plan.metrics.includes(of.name) && of.scenario === null);
if (own.length) {
  const share = name => ({ head: "p" + name, cell: of => of.percentiles_ms ? ms(of.percentiles_ms[name]) : "" });
  fill("own", table("Groups and metrics", [{ head: "name", cell: of => of.group ? "group " + of.group : of.name }, { head: "kind", cell: of => of.kind },
    { head: "count", cell: of => whole(of.count) }, { head: "value", cell: of => plain(of.sum ?? of.value ?? of.fraction ?? of.mean_ms) }, share("50"), share("95"), share("99")], own));
} else hide("own");

// Who generated the load, and whether they can be believed.
fill("agents", table("Agents", [{ head: "agent", cell: agent => agent.name },
  { head: "labels", cell: agent => Object.entries(agent.labels).map(([key, value]) => key + "=" + value).join(" "), text: true },
  { head: "weight", cell: agent => agent.weight }, { head: "workers", cell: agent => agent.workers }, { head: "due", cell: agent => whole(agent.due) }, { head: "sent", cell: agent => whole(agent.sent) },
  { head: "CPU mean / peak", cell: agent => Math.round(agent.cpu.worker_mean * 100) + " / " + Math.round(agent.cpu.worker_max * 100) + " %" },
  { head: "lag p99", cell: agent => agent.lag_p99_ms === null ? "–" : ms(agent.lag_p99_ms) + " ms" },
  { head: "start", cell: agent => agent.start_error_us === null ? "–" : plain(agent.start_error_us) + " µs" },
  { head: "clock", cell: agent => plain(agent.clock_offset_us) + " ± " + plain(agent.clock_uncertainty_us) + " µs" },
  { head: "memory", cell: agent => plain(agent.memory_bytes_max / 1048576) + " MiB" },
  { head: "books", cell: agent => fate(agent), text: true }], data.agents));
function fate(agent) {
  if (agent.lost_at === null) return agent.balanced ? "balanced" : node("span", { class: "bad" }, "books do not balance");
  const words = agent.left ? "left at " + clock(agent.lost_at) : "lost at " + clock(agent.lost_at) + (agent.lost_because ? ": " + agent.lost_because : "");
  const after = agent.taken_over_at === undefined ? "" : "; taken over at " + clock(agent.taken_over_at);
  return node("span", { class: agent.left ? "" : "bad" }, words + after + (agent.handed_in ? "; handed in later" : ""));
}
if (!data.agents.length) hide("agents");
const validity = verdict.validity, seconds = validity.seconds;
if (run.began) {
  fill("validity", node("p", {}, `${validity.grade}: ${seconds.valid} seconds valid, ${seconds.suspect} suspect, ${seconds.invalid} invalid. ` +
    `Lag p99 ${validity.lag_p99_ms === null ? "–" : ms(validity.lag_p99_ms) + " ms"}; busiest worker ${Math.round(validity.worker_cpu_max * 100)} % of a core` +
    (validity.start_spread_us === null ? "." : `; start within ${plain(validity.start_spread_us)} µs (± ${plain(validity.clock_uncertainty_us)} µs).`)),
    node("ul", { class: "plain" }, ...validity.reasons.map(reason => node("li", {}, reason.text))));
} else hide("validity");
const books = data.accounting, skipped = Object.entries(books.iterations.skipped).filter(([, count]) => count > 0);
fill("books", node("p", { class: books.balanced ? "good" : "bad" }, books.balanced ? "Every law holds." : "They do not balance."),
  table("Laws", [{ head: "law", cell: law => law.law }, { head: "left", cell: law => whole(law.left) }, { head: "right", cell: law => whole(law.right) },
    { head: "holds", cell: law => node("span", { class: law.holds ? "good" : "bad" }, law.holds ? "✓ holds" : "✗ broken") }], books.laws),
  node("p", {}, `Iterations: ${whole(books.iterations.due)} due, ${whole(books.iterations.started)} started, ${whole(books.iterations.completed)} completed, ` +
    `${whole(books.iterations.failed)} failed, ${whole(books.iterations.cut_off)} cut off, ${whole(books.iterations.unknown)} unknown` +
    (skipped.length ? "; skipped: " + skipped.map(([reason, count]) => reason + " " + whole(count)).join(", ") : "") +
    `. Requests: ${whole(books.requests.sent)} sent, ${whole(books.requests.outcomes)} ended, ${whole(books.requests.unknown)} unknown.` +
    (books.lost.high ? ` Lost agents may have taken ${whole(books.lost.low)} to ${whole(books.lost.high)} samples with them.` : "")));

// The plan, as it was meant.
function stepsOf(steps) {
  return node("ul", { class: "plain" }, ...steps.map(step => {
    if (step.request) return node("li", {}, step.request.name + "  ", node("code", {}, step.request.method + " " + step.request.url));
    if (step.think) return node("li", {}, "think " + clock(step.think.min_s) + (step.think.max_s === step.think.min_s ? "" : " to " + clock(step.think.max_s)));
    return node("li", {}, step.block.what, ...(step.block.steps && step.block.steps.length ? [stepsOf(step.block.steps)] : []));
  }));
}
for (const scenario of run.plan.scenarios) {
  const stages = (scenario.stages || []).map(stage => `${clock(stage.duration_s)} from ${plain(stage.from)} to ${plain(stage.to)}`).join(", ");
  fill("plan", node("details", {}, node("summary", {}, `${scenario.name}: ${scenario.executor}, ${scenario.model} model, ${clock(scenario.duration_s)}`),
    stages ? node("p", {}, "Stages: " + stages) : "", stepsOf(scenario.steps)));
}

followTheme(() => { redraw(); curve(); });
