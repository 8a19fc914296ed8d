// What all pages are made of: their data, tables, and light and dark.

const $ = id => document.getElementById(id);
const data = JSON.parse($("data").textContent);

// A table: columns are { head, cell, text }; the first is a row's name.
function table(caption, columns, rows, classOf) {
  const head = node("tr", {}, ...columns.map(column => node("th", { scope: "col", class: column.text ? "text" : "" }, column.head)));
  const body = rows.map(row => {
    const cells = columns.map((column, place) => {
      const content = column.cell(row), cell = node(place ? "td" : "th", place ? { class: column.text ? "text" : "" } : { scope: "row" });
      cell.append(...[content].flat().map(part => part === null || part === undefined ? "–" : part));
      return cell;
    });
    return node("tr", { class: classOf ? classOf(row) : "" }, ...cells);
  });
  return node("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    node("table", {}, node("thead", {}, head), node("tbody", {}, ...body)));
}
function fill(id, ...content) { $(id).append(...content); }
function hide(id) { $(id).hidden = true; }
function tile(name, value, unit, kind) {
  $("tiles").append(node("div", {}, node("dt", {}, name), node("dd", { class: kind || "" }, value, " ", node("small", {}, unit || ""))));
}
// When something was, as people read it.
const date = text => text.replace("T", " ").replace(/\.\d+Z/, "Z");

// As wide as a sheet of paper between its margins.
const PAPER = "700px";

// Follows the reader's choice of light or dark, and draws anew what depends on it or on the page's width.
function followTheme(draw) {
  const theme = $("theme"), dark = window.matchMedia("(prefers-color-scheme: dark)");
  const paint = name => { document.documentElement.dataset.theme = name; theme.textContent = name === "dark" ? "Light" : "Dark"; draw(); };
  theme.addEventListener("click", () => paint(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
  dark.addEventListener("change", event => paint(event.matches ? "dark" : "light"));
  window.addEventListener("resize", draw);
  let onScreen = null;
  window.addEventListener("beforeprint", () => {
    onScreen = document.documentElement.dataset.theme;
    document.body.style.maxWidth = PAPER;
    paint("light");
  });
  window.addEventListener("afterprint", () => { document.body.style.maxWidth = ""; paint(onScreen); });
  paint(dark.matches ? "dark" : "light");
}
