// The board asks for its points every few seconds. What a person was doing there stays: how far a table was moved sideways.
// Where no answer comes, the page says that what it shows is old.
const board = document.getElementById("board");
const stale = document.getElementById("board-stale");
const table = () => document.getElementById("board-table");
let moved = 0;

board.addEventListener("htmx:beforeSwap", () => {
  moved = table()?.scrollLeft ?? 0;
});
board.addEventListener("htmx:afterSwap", () => {
  stale.hidden = true;
  if (table()) table().scrollLeft = moved;
});
for (const failure of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  board.addEventListener(failure, () => {
    stale.hidden = false;
  });
}
