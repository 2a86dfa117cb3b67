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

// A note that was begun goes along to the form of another act.
let begun = "";
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.target.id === "act") begun = event.target.querySelector("#note")?.value ?? "";
});
document.addEventListener("htmx:afterSettle", (event) => {
  const note = document.querySelector("#act #note");
  if (begun && note && !note.value) note.value = begun;
  begun = "";
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
