// Line numbers beside the text, marks where something is wrong, and the way there: a click, Enter on a finding, or F8.
const text = document.getElementById("text");
const form = document.getElementById("editing");
const gutter = form.querySelector(".gutter");
const findings = document.getElementById("findings");
const first = text.value;
let leaving = false;

function number() {
  const count = text.value.split("\n").length;
  while (gutter.children.length > count) gutter.lastChild.remove();
  while (gutter.children.length < count) {
    const line = document.createElement("span");
    line.textContent = gutter.children.length + 1;
    gutter.append(line);
  }
  gutter.scrollTop = text.scrollTop;
}

function mark() {
  for (const line of gutter.children) line.className = "";
  for (const found of findings.querySelectorAll("li[data-line]")) {
    const line = gutter.children[found.dataset.line - 1];
    if (line && line.className !== "error") line.className = found.dataset.severity;
  }
}

function goTo(line) {
  const lines = text.value.split("\n");
  const at = Math.min(line, lines.length) - 1;
  const start = lines.slice(0, at).reduce((sum, each) => sum + each.length + 1, 0);
  text.focus();
  text.setSelectionRange(start, start + lines[at].length);
  const height = parseFloat(getComputedStyle(text).lineHeight);
  text.scrollTop = Math.max(0, (at - 5) * height);
  text.scrollLeft = 0;
  number();
}

function next() {
  const here = text.value.slice(0, text.selectionEnd).split("\n").length;
  const places = [...findings.querySelectorAll("a[data-line]")].map((each) => Number(each.dataset.line)).sort((a, b) => a - b);
  if (places.length) goTo(places.find((line) => line > here) ?? places[0]);
}

text.addEventListener("input", number);
text.addEventListener("scroll", () => { gutter.scrollTop = text.scrollTop; });
findings.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-line]");
  if (!link) return;
  event.preventDefault();
  goTo(Number(link.dataset.line));
});
document.addEventListener("htmx:afterSwap", (event) => { if (event.target === findings) mark(); });
document.addEventListener("keydown", (event) => {
  if (event.key === "F8") { event.preventDefault(); next(); }
  if (event.key === "s" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit(form.querySelector('button[value="save"]'));
  }
});
form.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm;
  if (question && !window.confirm(question)) { event.preventDefault(); return; }
  leaving = true;
});
addEventListener("beforeunload", (event) => { if (!leaving && text.value !== first) event.preventDefault(); });
// What stands below with numbers is for who has no script.
document.querySelector("details.numbered").hidden = true;
number();
mark();
