// Sliders: every movement asks the site to regrade everyone, one question under way at a time, the newest next.
import { redraw } from "../web/charts.js";

const form = document.getElementById("simulation");
const token = form.querySelector("[name=csrfmiddlewaretoken]").value;
const said = document.getElementById("simulation-said");
const fields = [...form.querySelectorAll("input[data-key]")];
const ranges = new Map([...form.querySelectorAll("input[type=range]")].map((range) => [range.dataset.for, range]));
const place = form.querySelector("[data-chart]");
const spec = JSON.parse(document.getElementById(place.dataset.chart).textContent);
const RETRY = 250;

let underWay = false;
let wanted = "{}";
let shown = "{}";
let asked = 0;
let movedAt = 0;

const isMoved = (field) => field.value.trim() !== "" && Number(field.value) !== Number(field.dataset.value);
const changes = () => JSON.stringify(Object.fromEntries(fields.filter(isMoved).map((field) => [field.dataset.key, field.value.trim()])));

function tell(text, kind = "") {
  said.textContent = text;
  said.className = `message ${kind}`;
  said.hidden = !text;
}

// The sum of a class's weights, and the button that brings the others to what it was.
function addUp(group) {
  const sum = group.querySelector("[data-sum]");
  if (!sum) return;
  const total = [...group.querySelectorAll("input[data-key]")].reduce((all, field) => all + (Number(field.value) || 0), 0);
  const rounded = Math.round(total * 100) / 100;
  sum.querySelector("output").textContent = String(rounded);
  const off = rounded !== Number(sum.dataset.due);
  sum.classList.toggle("off", off);
  group.querySelector("[data-scale]").hidden = !off;
}

function scaleOthers(group) {
  const inside = [...group.querySelectorAll("input[data-key]")];
  const due = Number(group.querySelector("[data-sum]").dataset.due);
  const kept = inside.find((field) => field.dataset.key === group.dataset.last) || inside[0];
  const others = inside.filter((field) => field !== kept);
  const left = due - Number(kept.value);
  const now = others.reduce((all, field) => all + Number(field.value), 0);
  if (!others.length || left <= 0 || now <= 0) return;
  let given = 0;
  others.forEach((field, index) => {
    const share = index === others.length - 1 ? left - given : Math.round((Number(field.value) * left * 100) / now) / 100;
    given += share;
    set(field, String(Math.round(share * 100) / 100));
  });
  addUp(group);
  ask();
}

function set(field, value) {
  field.value = value;
  const range = ranges.get(field.id);
  if (range) range.value = value;
  field.closest(".slider").classList.toggle("moved", isMoved(field));
}

function ask() {
  wanted = changes();
  movedAt = performance.now();
  if (!underWay) requestAnimationFrame(send);
}

async function send() {
  if (underWay || wanted === shown) return;
  underWay = true;
  const question = wanted;
  const began = movedAt;
  try {
    const answer = await fetch(form.dataset.simulate, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": token },
      body: `{"changes": ${question}}`,
    });
    const body = await answer.json();
    if (answer.status === 202) {
      tell(form.dataset.preparing);
      setTimeout(() => { underWay = false; send(); }, RETRY);
      return;
    }
    shown = question;
    if (!answer.ok) tell(`${body.error.what} ${body.error.fix}`, "error");
    else {
      tell(question === "{}" ? form.dataset.still : "");
      await draw(body);
      // The chart is drawn in this frame's turn before ours.
      requestAnimationFrame(() => {
        asked += 1;
        form.dataset.milliseconds = String(Math.round(performance.now() - began));
        form.dataset.answers = String(asked);
      });
    }
  } catch (error) {
    shown = question;
    tell(form.dataset.failed, "error");
  }
  underWay = false;
  if (wanted !== shown) requestAnimationFrame(send);
}

const number = new Intl.NumberFormat("en-US");

async function draw(picture) {
  for (const figure of form.querySelectorAll("[data-figure]")) figure.textContent = number.format(picture[figure.dataset.figure]);
  [...form.querySelectorAll("#simulation-matrix tbody tr")].forEach((row, at) => {
    [...row.querySelectorAll("td")].forEach((cell, to) => {
      cell.textContent = number.format(picture.matrix[at][to]);
      cell.classList.toggle("none", !picture.matrix[at][to]);
    });
  });
  spec.series[0].values = picture.before;
  spec.series[1].values = picture.after;
  [...place.closest("figure").querySelectorAll("tbody tr")].forEach((row, at) => {
    const cells = row.querySelectorAll("td");
    cells[0].textContent = number.format(picture.before[at]);
    cells[1].textContent = number.format(picture.after[at]);
  });
  list("simulation-risers", picture.risers);
  list("simulation-fallers", picture.fallers);
  await redraw(place, spec);
}

function list(id, movers) {
  const items = movers.map((mover) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = form.dataset.enterprise.replace("CODE", encodeURIComponent(mover.code));
    link.textContent = mover.name;
    item.append(link, " ", badge(mover.before), " → ", badge(mover.after), " ", quiet(mover.total));
    return item;
  });
  if (!items.length) {
    const none = document.createElement("li");
    none.append(quiet(form.dataset.none));
    items.push(none);
  }
  document.getElementById(id).replaceChildren(...items);
}

function badge(grade) {
  const mark = document.createElement("span");
  mark.className = "grade";
  mark.dataset.grade = grade;
  mark.textContent = grade;
  return mark;
}

function quiet(text) {
  const span = document.createElement("span");
  span.className = "quiet";
  span.textContent = text;
  return span;
}

form.addEventListener("input", (event) => {
  const field = event.target.dataset.for ? document.getElementById(event.target.dataset.for) : event.target;
  if (!field.dataset.key) return;
  if (event.target !== field) field.value = event.target.value;
  else if (ranges.get(field.id)) ranges.get(field.id).value = field.value;
  field.closest(".slider").classList.toggle("moved", isMoved(field));
  const group = field.closest("details");
  group.dataset.last = field.dataset.key;
  addUp(group);
  ask();
});
form.addEventListener("click", (event) => {
  const group = event.target.closest("details");
  if (event.target.matches("[data-scale]")) scaleOthers(group);
});
form.addEventListener("reset", (event) => {
  event.preventDefault();
  for (const field of fields) set(field, field.dataset.value);
  form.querySelectorAll("details").forEach(addUp);
  ask();
});
// With a script the picture is always there already; sending is for keeping.
form.querySelector("[data-recount]").hidden = true;
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches("input[data-key]")) event.preventDefault();
});
form.querySelectorAll("details").forEach(addUp);
wanted = changes();
shown = ""; // Asking once for nothing gets the run ready.
send();
