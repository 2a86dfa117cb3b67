(() => {
  "use strict";
  const data = JSON.parse(document.getElementById("records").textContent);
  const { words } = data;
  const query = document.getElementById("query");
  const matches = document.getElementById("matches");
  const found = document.getElementById("found");
  const keys = data.rows.map((row) => `${row[0]} ${row[1]} ${row[14] ?? ""}`.toLowerCase());

  const make = (tag, text, parent, className) => {
    const element = document.createElement(tag);
    if (text !== null && text !== undefined) element.textContent = text;
    if (className) element.className = className;
    parent.append(element);
    return element;
  };

  const showGrade = (grade, parent) => {
    const badge = make("span", grade ?? words.ungraded, parent, "badge");
    const [fill, ink] = data.grades[grade] ?? ["#cdd4db", "#16202b"];
    badge.style.background = fill;
    badge.style.color = ink;
  };

  const show = (row) => {
    const [name, code, classIndex, place, grade, last, total, rank, standing, reason, regraded, values, scores, adjusted, members] = row;
    found.replaceChildren();
    const title = make("h3", null, found);
    showGrade(grade, title);
    title.append(name);
    const [className, indicators] = data.classes[classIndex] ?? [null, []];
    const list = make("dl", null, found);
    const facts = [
      [words.code, code], [words.class, className], [words.place, place], [words.total, total], [words.rank, rank],
      [words.standing, standing], [words.reason, reason], [words.regraded, regraded], [words.last, last], [words.members, members],
    ];
    data.adjusted.forEach(([label, sign], index) => {
      if (adjusted[index] !== null && Number(adjusted[index]) !== 0) facts.push([label, sign + adjusted[index]]);
    });
    for (const [label, value] of facts) {
      if (value === null || value === undefined) continue;
      make("dt", label, list);
      make("dd", String(value), list);
    }
    if (!indicators.length) return;
    const scroll = make("div", null, found, "scroll");
    const table = make("table", null, scroll);
    const head = make("tr", null, make("thead", null, table));
    for (const [index, word] of [words.indicator, words.value, words.score, words.weight].entries()) {
      make("th", word, head, index ? "number" : "").scope = "col";
    }
    const body = make("tbody", null, table);
    indicators.forEach(([label, unit, weight], index) => {
      const line = make("tr", null, body);
      make("td", label, line);
      make("td", values[index] === null ? words.missing : `${values[index]} ${unit}`, line, "number");
      make("td", scores[index] ?? "—", line, "number");
      make("td", weight, line, "number");
    });
  };

  const search = () => {
    const wanted = query.value.trim().toLowerCase();
    matches.replaceChildren();
    found.replaceChildren();
    if (!wanted) return;
    const hits = [];
    for (let index = 0; index < keys.length && hits.length < 9; index += 1) {
      if (keys[index].includes(wanted)) hits.push(data.rows[index]);
    }
    if (!hits.length) make("li", words.none, matches, "quiet");
    if (hits.length === 1) return show(hits[0]);
    for (const row of hits.slice(0, 8)) {
      const button = make("button", null, make("li", null, matches));
      button.type = "button";
      showGrade(row[4], button);
      button.append(`${row[0]}　${row[1]}`);
      button.addEventListener("click", () => show(row));
    }
    if (hits.length > 8) make("li", words.many, matches, "quiet");
  };

  query.addEventListener("input", search);
  document.getElementById("find").hidden = false;
})();
