"use strict";
// The page is complete without this script; it adds a filter, sorting and a shorter table.
(() => {
  const table = document.getElementById("ranking");
  if (!table) return;
  const body = table.tBodies[0];
  const filter = document.getElementById("filter");
  const limit = document.getElementById("limit");
  const status = document.getElementById("status");
  const ELEMENT = /^[A-Z][a-z]?$/;

  let rows = Array.from(body.rows, (row) => ({
    row,
    elements: new Set(row.querySelector(".formula").textContent.match(/[A-Z][a-z]?/g) || []),
    text: ["formula", "id", "source"].map((name) => row.querySelector("." + name).textContent).join("\n").toLowerCase(),
  }));

  const matches = (entry, words) =>
    words.every((word) => {
      const barred = word.length > 1 && word.startsWith("-");
      const sought = barred ? word.slice(1) : word;
      const found = ELEMENT.test(sought) ? entry.elements.has(sought) : entry.text.includes(sought.toLowerCase());
      return found !== barred;
    });

  const show = () => {
    const words = filter.value.split(/[\s,]+/).filter(Boolean);
    const most = Number(limit.value);
    let matching = 0;
    for (const entry of rows) {
      const fits = matches(entry, words);
      entry.row.hidden = !fits || matching >= most;
      if (fits) matching += 1;
    }
    status.textContent = `${matching} of ${rows.length} rows match, ${Math.min(matching, most)} shown`;
  };

  const compare = (place, numeric, sign) => (a, b) => {
    const [x, y] = [a, b].map((entry) => {
      const cell = entry.row.cells[place];
      return numeric ? cell.dataset.v : cell.textContent;
    });
    if (numeric && (x === "" || y === "")) return (x === "") - (y === "");
    return sign * (numeric ? x - y : x.localeCompare(y, "en", { numeric: true }));
  };

  const sort = (header) => {
    const numeric = header.dataset.sort === "n";
    const before = header.getAttribute("aria-sort");
    const isRank = header.cellIndex === 0;
    // The first click gives what one looks for: the largest numbers, but rank and text from the start.
    const first = numeric && !isRank ? "descending" : "ascending";
    const other = first === "ascending" ? "descending" : "ascending";
    const now = before === first ? other : first;
    for (const each of header.parentNode.cells) each.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", now);
    rows.sort(compare(header.cellIndex, numeric, now === "ascending" ? 1 : -1));
    body.append(...rows.map((entry) => entry.row));
    show();
  };

  for (const header of table.tHead.rows[0].cells) {
    if (!header.dataset.sort) continue;
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => sort(header));
  }
  filter.addEventListener("input", show);
  limit.addEventListener("change", show);
  document.getElementById("controls").hidden = false;
  show();
})();
