// Forms of cases: inputs that belong to a kind come with it, a common text goes into the note, a page of the list is
// chosen at once. Everything works without this; it only spares reading and typing.
function showKinds(root) {
  for (const chooser of root.querySelectorAll("select[data-kind-of], fieldset:has(input[data-kind-of])")) {
    const form = chooser.closest("form");
    const chosen = chooser.matches("select") ? chooser.value : chooser.querySelector("input:checked")?.value ?? "";
    const scope = chooser.matches("select") && chooser.dataset.kindOf ? chooser.closest("fieldset") : form;
    for (const field of scope.querySelectorAll("[data-kinds]")) {
      field.hidden = !field.dataset.kinds.split(" ").includes(chosen);
      for (const input of field.querySelectorAll("input, select, textarea")) input.disabled = field.hidden;
    }
  }
}

// What was begun for one act goes along to the form of another, where that asks for the same.
const labelOf = (input) => input.labels?.[0]?.textContent ?? "";
const changed = {
  checkbox: (input) => input.checked !== input.defaultChecked,
  radio: (input) => input.checked && !input.defaultChecked,
  file: (input) => input.files.length > 0,
  "select-one": (input) => input.selectedIndex !== Math.max([...input.options].findIndex((each) => each.defaultSelected), 0),
};
let begun = [];
document.addEventListener("htmx:beforeRequest", (event) => {
  // The form of this act is there already.
  if (event.detail.elt.matches(".acts [aria-current]")) event.preventDefault();
});
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.target.id !== "act") return;
  const inputs = event.target.querySelectorAll("form :is(input, select, textarea)[id]");
  begun = [...inputs].filter((each) => (changed[each.type] ?? ((input) => input.value !== input.defaultValue))(each));
});
document.addEventListener("htmx:afterSettle", () => {
  for (const input of begun) {
    const next = document.querySelector(`#act #${CSS.escape(input.id)}`);
    if (!next || next.type !== input.type) continue;
    if (input.type === "file") {
      // Files are named by the number of their label, which is another's in a form that opens a case.
      if (labelOf(next) === labelOf(input)) next.files = input.files;
    } else if (input.type === "checkbox" || input.type === "radio") next.checked = input.checked;
    else if (!next.options || [...next.options].some((option) => option.value === input.value)) next.value = input.value;
  }
  begun = [];
  showKinds(document);
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-kind-of]")) showKinds(document);
  if (event.target.matches("[data-check-all]")) {
    const form = document.getElementById(event.target.dataset.checkAll);
    for (const box of form.elements) if (box.name === "case") box.checked = event.target.checked;
  }
});

document.addEventListener("click", (event) => {
  const insert = event.target.closest("[data-insert]");
  if (insert) {
    const box = document.getElementById(insert.dataset.insert);
    const text = insert.parentElement.querySelector("p").textContent;
    box.setRangeText(text, box.selectionStart, box.selectionEnd, "end");
    box.focus();
  }
  if (event.target.closest("[data-print]")) window.print();
});

showKinds(document);
