// The form of a visit: what is typed is kept on this machine at once, and sent when there is a network.
import { draftsOf, dropDraft, dropPhoto, keepDraft, keepPhoto, newKey, photosOf, readDraft } from "./drafts.js";
import { shrink } from "./photographs.js";
import { send } from "./sending.js";

const form = document.getElementById("visit-form");
const state = document.getElementById("draft-state");
const refusal = document.getElementById("refused");
const { dataset: words } = form;
const user = Number(words.user);
const blocks = { hazard: document.getElementById("hazards"), demand: document.getElementById("demands") };
const AGAIN = 20_000; // milliseconds until a waiting draft is tried again

let draft = { key: newKey(), user, changed: 0, waiting: false, entries: [], title: "" };
let busy = null; // the writing under way
let again = false; // typed since
let sending = false;

const clock = (at) => new Date(at).toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit", hour12: false });
const say = (name, kind = "", values = {}) => {
  state.textContent = Object.entries(values).reduce((text, [key, value]) => text.replace(`{${key}}`, value), words[name]);
  state.dataset.state = kind || name;
  state.hidden = false;
};

// -- what the form holds -------------------------------------------------------------------------------------

const typed = () => [...new FormData(form)].filter(([name, value]) => typeof value === "string" && !["csrfmiddlewaretoken", "key"].includes(name));

function fill(entries) {
  const names = new Set(entries.map(([name]) => name));
  for (const kind of Object.keys(blocks)) {
    const numbers = new Set([...names].map((name) => name.match(`^${kind}-(\\d+)-`)?.[1]).filter(Boolean));
    for (const block of blocks[kind].querySelectorAll("[data-block]")) if (numbers.size && !numbers.has(block.dataset.number)) block.remove();
    for (const number of numbers) if (!blocks[kind].querySelector(`[data-number="${number}"]`)) add(kind, number);
  }
  for (const [name, value] of entries) {
    const field = form.elements[name];
    if (!field) continue;
    if (field instanceof HTMLSelectElement && ![...field.options].some((each) => each.value === value)) continue;
    field.value = value;
  }
}

function add(kind, number = String(Math.max(-1, ...[...blocks[kind].children].map((each) => Number(each.dataset.number))) + 1)) {
  const place = document.createElement("div");
  place.append(document.getElementById(`${kind}-template`).content.cloneNode(true));
  const block = place.firstElementChild;
  for (const part of [block, ...block.querySelectorAll("*")]) {
    for (const { name, value } of [...part.attributes]) if (value.includes("NN")) part.setAttribute(name, value.replace("NN", number));
  }
  blocks[kind].append(block);
  block.querySelector("[data-remove]").hidden = false;
  return block;
}

// -- keeping -------------------------------------------------------------------------------------------------

async function keep() {
  if (busy) {
    again = true;
    return busy;
  }
  busy = (async () => {
    do {
      again = false;
      const chosen = form.elements.enterprise;
      const title = chosen.value ? chosen.selectedOptions[0].textContent : "";
      draft = { ...draft, entries: typed(), changed: Date.now(), title };
      await keepDraft(draft);
    } while (again);
  })();
  try {
    await busy;
    if (!sending && !draft.waiting) say(navigator.onLine ? "sayKept" : "sayOffline", "kept", { time: clock(draft.changed) });
    form.querySelector("[data-discard]").hidden = false;
  } catch {
    say("sayUnkept", "unkept");
  } finally {
    busy = null;
  }
}

async function change() {
  // Changed again: it is sent when the person says so.
  draft.waiting = false;
  await keep();
}

async function takePhotos(input) {
  const field = input.name;
  for (const file of [...input.files]) {
    try {
      const photo = { id: newKey(), draft: draft.key, field, name: `${file.name.replace(/\.[^.]*$/, "") || "photo"}.jpg`, blob: await shrink(file) };
      await keepPhoto(photo);
      showPhoto(photo);
    } catch (error) {
      if (error?.name === "QuotaExceededError") say("sayUnkept", "unkept");
      else showRefusal({ what: words.sayBadphoto.replace("{name}", file.name), fix: "", at: field });
    }
  }
  // What was taken is kept above; the field itself is empty again.
  input.value = "";
  await change();
}

function showPhoto(photo) {
  const list = form.querySelector(`[data-photos="${photo.field}"]`);
  if (!list) return;
  const row = document.createElement("li");
  const picture = document.createElement("img");
  const address = URL.createObjectURL(photo.blob);
  picture.src = address;
  picture.alt = words.sayPhoto.replace("{n}", String(list.children.length + 1));
  picture.addEventListener("load", () => URL.revokeObjectURL(address));
  const remove = document.createElement("button");
  Object.assign(remove, { type: "button", className: "link", textContent: words.sayRemove });
  remove.setAttribute("aria-label", `${words.sayRemove} ${picture.alt}`);
  remove.addEventListener("click", async () => {
    await dropPhoto(photo.id);
    row.remove();
    await change();
  });
  row.append(picture, remove);
  list.append(row);
}

// -- sending -------------------------------------------------------------------------------------------------

function showRefusal({ what, fix, at }) {
  const text = document.createElement("p");
  text.textContent = `${what} ${fix || ""}`.trim();
  refusal.replaceChildren(text);
  refusal.hidden = false;
  mark(at);
}

function mark(at) {
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  const found = at ? form.elements[at] : null;
  const field = found instanceof RadioNodeList ? found[0] : found;
  if (field) {
    field.setAttribute("aria-invalid", "true");
    field.focus();
  } else if (!refusal.hidden) refusal.scrollIntoView({ block: "center" });
}

async function trySending() {
  if (sending) return;
  sending = true;
  try {
    await (busy || keep());
    draft.waiting = true;
    await keepDraft(draft);
    if (!navigator.onLine) {
      say("sayWaiting", "waiting");
      return;
    }
    say("saySending", "sending");
    const { outcome, told, error } = await send(draft.key, { address: form.getAttribute("action"), ready: words.ready });
    if (outcome === "sent" || outcome === "gone") {
      leaving = true;
      location.assign(told?.href || form.getAttribute("action"));
      return;
    }
    if (outcome === "offline") say("sayWaiting", "waiting");
    else if (outcome === "trouble") say("sayTrouble", "waiting");
    else if (outcome === "login") say("sayLogin", "login");
    else {
      draft.waiting = false;
      await keepDraft(draft);
      say("sayKept", "kept", { time: clock(draft.changed) });
      showRefusal(error);
    }
    if (outcome === "login") {
      const link = document.createElement("a");
      Object.assign(link, { href: `/people/login/?next=${encodeURIComponent(`${location.pathname}#${draft.key}`)}`, textContent: " →" });
      state.append(link);
    }
  } catch {
    // No store: the ordinary way of a form.
    HTMLFormElement.prototype.submit.call(form);
  } finally {
    sending = false;
  }
}

let leaving = false;
const resume = () => {
  if (draft.waiting && !leaving) trySending();
};

form.addEventListener("submit", (event) => {
  event.preventDefault();
  refusal.hidden = true;
  trySending();
});
form.addEventListener("input", (event) => {
  if (event.target.type !== "file") change();
});
form.addEventListener("change", (event) => {
  if (event.target.type === "file") takePhotos(event.target);
});
form.addEventListener("click", async (event) => {
  const remove = event.target.closest("[data-remove]");
  const more = event.target.closest("[data-add]");
  if (more) add(more.dataset.add).querySelector("input").focus();
  if (remove) {
    const block = remove.closest("[data-block]");
    for (const photo of await photosOf(draft.key)) if (photo.field.startsWith(`${block.dataset.block}-${block.dataset.number}-`)) await dropPhoto(photo.id);
    block.remove();
  }
  if (more || remove) await change();
  if (event.target.closest("[data-discard]") && window.confirm(words.sayDiscard)) {
    await dropDraft(draft.key);
    leaving = true;
    location.assign(form.getAttribute("action"));
  }
});
window.addEventListener("online", () => (draft.waiting ? resume() : draft.changed && say("sayKept", "kept", { time: clock(draft.changed) })));
window.addEventListener("offline", () => draft.changed && say(draft.waiting ? "sayWaiting" : "sayOffline", draft.waiting ? "waiting" : "kept", { time: clock(draft.changed) }));
setInterval(resume, AGAIN);

// -- the beginning -------------------------------------------------------------------------------------------

async function begin() {
  for (const button of form.querySelectorAll("[data-add]")) button.hidden = false;
  for (const button of form.querySelectorAll("[data-remove]")) button.hidden = false;
  const asked = new URLSearchParams(location.search).get("enterprise");
  const every = await draftsOf(user);
  const named = location.hash.slice(1);
  const isFor = (each) => !asked || each.entries.some(([name, value]) => name === "enterprise" && value === asked);
  // What the site refused without this script stands in the form already.
  const found = words.wrong ? null : every.find((each) => each.key === named) || every.find(isFor);
  if (found) {
    draft = found;
    fill(found.entries);
    for (const photo of await photosOf(found.key)) showPhoto(photo);
    say("sayRestored", "kept", { time: clock(found.changed) });
    form.querySelector("[data-discard]").hidden = false;
    if (found.waiting) {
      say("sayWaiting", "waiting");
      resume();
    }
  } else if (asked && [...form.elements.enterprise.options].some((each) => each.value === asked)) form.elements.enterprise.value = asked;
  listOthers(every.filter((each) => each.key !== draft.key));
  if (words.wrong) mark(words.wrong);
}

function listOthers(others) {
  const place = document.getElementById("other-drafts");
  place.hidden = !others.length;
  place.querySelector("ul").replaceChildren(...others.map((each) => {
    const row = document.createElement("li");
    const link = document.createElement("a");
    Object.assign(link, { href: `${form.getAttribute("action")}#${each.key}`, textContent: `${each.title || words.sayNameless} ${clock(each.changed)}` });
    link.addEventListener("click", () => setTimeout(() => location.reload()));
    row.append(link);
    return row;
  }));
}

// The page opens without a network only where the browser lets a worker keep it (https, or this machine itself).
async function keepPage() {
  if (!navigator.serviceWorker || !navigator.onLine) return;
  navigator.serviceWorker.addEventListener("message", ({ data }) => {
    if (data?.kept) form.dataset.opensOffline = "yes";
  });
  const place = words.worker;
  await navigator.serviceWorker.register(place, { scope: place.slice(0, place.lastIndexOf("/") + 1) });
  const { active } = await navigator.serviceWorker.ready;
  const drawn = performance.getEntriesByType("resource").map((each) => each.name).filter((name) => new URL(name).pathname.startsWith("/static/"));
  active.postMessage({ keep: [...new Set(drawn)] });
}

begin().catch(() => say("sayUnkept", "unkept")).finally(() => {
  form.dataset.begun = "yes";
});
window.addEventListener("load", () => keepPage().catch(() => {}));
if (document.readyState === "complete") keepPage().catch(() => {});
