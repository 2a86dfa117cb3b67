// The search box of the header: results while one types (htmx brings them), arrows choose, Enter opens, Escape closes.
// Without a script the form goes to the list.
const form = document.querySelector("form[data-search]");
const box = form?.querySelector("[role=combobox]");
const list = form?.querySelector("[role=listbox]");

const options = () => [...list.querySelectorAll("a[role=option]")];
const chosen = () => list.querySelector("[aria-selected=true]");

function close() {
  list.hidden = true;
  box.setAttribute("aria-expanded", "false");
  box.removeAttribute("aria-activedescendant");
  chosen()?.setAttribute("aria-selected", "false");
}

function open() {
  const something = list.childElementCount > 0 && box.value.trim() !== "";
  list.hidden = !something;
  box.setAttribute("aria-expanded", String(something && options().length > 0));
}

function move(step) {
  const all = options();
  if (!all.length) return;
  if (list.hidden) open();
  const at = all.indexOf(chosen());
  chosen()?.setAttribute("aria-selected", "false");
  const next = all[(at + step + (at < 0 && step < 0 ? 1 : 0) + all.length) % all.length];
  next.setAttribute("aria-selected", "true");
  next.scrollIntoView({ block: "nearest" });
  box.setAttribute("aria-activedescendant", next.id);
}

if (form) {
  list.addEventListener("htmx:afterSwap", open);
  box.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && !list.hidden && chosen()) {
      event.preventDefault();
      window.location.assign(chosen().href);
    } else if (event.key === "Escape" && !list.hidden) {
      // The browser would empty the box as well; that is for a second press.
      event.preventDefault();
      close();
    }
  });
  box.addEventListener("focus", open);
  document.addEventListener("click", (event) => {
    if (!form.contains(event.target)) close();
  });
  form.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !form.contains(event.relatedTarget)) close();
  });
}
