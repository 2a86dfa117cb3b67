// What every page has: charts and maps are drawn where a page asks for one, and again after htmx changed it.
async function draw(root) {
  if (root.querySelector("[data-chart]")) (await import("./charts.js")).drawCharts(root);
  if (root.querySelector("[data-map]")) (await import("./map.js")).drawMaps(root);
}

document.addEventListener("htmx:afterSettle", (event) => draw(event.target));
// What asks by itself, again and again, does not while nobody looks; it asks at once when somebody does again.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && !event.detail.requestConfig.triggeringEvent) event.preventDefault();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  for (const each of document.querySelectorAll("[hx-trigger^='every']")) window.htmx.trigger(each, "seen");
});
// Who is logged out meanwhile is sent elsewhere: a whole page belongs into no part of this one.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, pathInfo } = event.detail;
  const elsewhere = xhr.responseURL && new URL(xhr.responseURL).pathname !== new URL(pathInfo.requestPath, location).pathname;
  if (!elsewhere || !/^\s*<!doctype html/i.test(xhr.responseText)) return;
  event.detail.shouldSwap = false;
  location.reload();
});
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
