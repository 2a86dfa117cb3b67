// What every page has: charts and maps are drawn where a page asks for one, and again after htmx changed it.
async function draw(root) {
  if (root.querySelector("[data-chart]")) (await import("./charts.js")).drawCharts(root);
  if (root.querySelector("[data-map]")) (await import("./map.js")).drawMaps(root);
}

document.addEventListener("htmx:afterSettle", (event) => draw(event.target));
// A form that only filters sends itself when a choice is made; its button remains for who has no script.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-send-on-change]");
  if (form) form.requestSubmit();
});
document.addEventListener("submit", (event) => {
  const question = event.target.dataset?.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});
if (document.querySelector("form[data-search]")) import("./search.js");
draw(document);
