// The table: order, filter, page. Only the rows of one page are in the document.

const FACTOR_LIMIT = 2 ** 53;

// All rows by a column, unknown ones last; equal ones keep the order of the ranking.
const orderBy = (data, keys, none, descending) => {
  const rows = data.rows;
  const largest = none === undefined ? rows : none;
  const sorted = new Float64Array(rows);
  for (let k = 0; k < rows; k += 1) {
    const key = keys[k] === none ? largest : descending ? largest - 1 - keys[k] : keys[k];
    sorted[k] = key * rows + k;
  }
  if ((largest + 1) * rows > FACTOR_LIMIT) throw new RangeError("too many rows to sort");
  sorted.sort();
  const order = new Uint32Array(rows);
  for (let k = 0; k < rows; k += 1) order[k] = sorted[k] % rows;
  return order;
};

// The place of each text in alphabetical order; worked out once.
const textPlaces = (data, name) => {
  data.places ||= {};
  if (!data.places[name]) {
    const texts = data[name];
    const order = Array.from(texts, (_, k) => k).sort((a, b) => (texts[a] < texts[b] ? -1 : texts[a] > texts[b] ? 1 : a - b));
    const places = new Uint32Array(data.rows);
    order.forEach((k, place) => {
      places[k] = place;
    });
    data.places[name] = places;
  }
  return data.places[name];
};

const startTable = (data, form, open, picks) => {
  const table = document.getElementById("ranking");
  const body = table.tBodies[0];
  const size = document.getElementById("size");
  const status = document.getElementById("status");
  const caption = document.getElementById("candidates-c");
  const [first, back, forth, last] = ["first", "back", "forth", "last"].map((name) => document.getElementById(name));
  const makeRow = rowMaker(data);
  const view = { order: null, rows: null, page: 0 };

  const pages = () => Math.max(1, Math.ceil(view.rows.length / Number(size.value)));

  const tick = () => {
    for (const box of body.querySelectorAll("input.pick")) box.checked = picks.has(Number(box.closest("tr").dataset.row));
  };

  const draw = () => {
    const most = Number(size.value);
    view.page = Math.min(Math.max(view.page, 0), pages() - 1);
    const start = view.page * most;
    const end = Math.min(start + most, view.rows.length);
    body.replaceChildren(...Array.from(view.rows.subarray(start, end), makeRow));
    tick();
    if (!view.rows.length) body.append(make("tr", "none", emptyCell(table.tHead.rows[0].cells.length)));
    const count = FORMATS.count;
    const all = view.rows.length === data.rows ? `All ${count(data.rows)} candidates` : `${count(view.rows.length)} of ${count(data.rows)} candidates match`;
    status.textContent = view.rows.length ? `${all}, rows ${count(start + 1)} to ${count(end)} shown` : all;
    caption.textContent = status.textContent;
    first.disabled = back.disabled = view.page === 0;
    forth.disabled = last.disabled = view.page === pages() - 1;
  };

  const filter = () => {
    const tests = wantedRows(data, form);
    if (tests.length) {
      const found = new Uint32Array(data.rows);
      let n = 0;
      for (const k of view.order) if (tests.every((test) => test(k))) found[n++] = k;
      view.rows = found.subarray(0, n);
    } else view.rows = view.order;
    view.page = 0;
    draw();
  };

  const sort = (header, direction) => {
    const name = header.dataset.key;
    const descending = direction === "descending";
    const column = data[name];
    view.order = column.raw ? orderBy(data, column.raw, column.none, descending) : orderBy(data, textPlaces(data, name), undefined, descending);
    for (const each of header.parentNode.cells) each.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", direction);
    filter();
  };

  for (const header of table.tHead.rows[0].cells) {
    if (!header.dataset.key) continue;
    const button = make("button", "", ...header.childNodes);
    button.type = "button";
    header.append(button);
    const about = data.numbers[header.dataset.key];
    const usual = !about || about.low ? "ascending" : "descending"; // what one looks for comes first
    const other = usual === "ascending" ? "descending" : "ascending";
    button.addEventListener("click", () => sort(header, header.getAttribute("aria-sort") === usual ? other : usual));
  }
  const turn = (page) => () => {
    view.page = page();
    draw();
  };
  first.addEventListener("click", turn(() => 0));
  back.addEventListener("click", turn(() => view.page - 1));
  forth.addEventListener("click", turn(() => view.page + 1));
  last.addEventListener("click", turn(() => pages() - 1));
  size.addEventListener("change", turn(() => 0));
  body.addEventListener("click", (event) => {
    const row = event.target.closest("tr[data-row]");
    const selecting = getSelection() && !getSelection().isCollapsed && !event.target.closest("button");
    if (row && !selecting && !event.target.closest("label, input")) open(Number(row.dataset.row), row.querySelector(".open"));
  });
  body.addEventListener("change", (event) => picks.set(Number(event.target.closest("tr").dataset.row), event.target.checked));
  sort(table.tHead.rows[0].cells[0], "ascending");
  keepInside(table);
  return { filter, rows: () => view.rows, tick };
};

// A table wider than its card scrolls in it; one that fits may keep its head in sight.
const keepInside = (table) => {
  const card = table.parentElement;
  const look = () => {
    card.classList.remove("fits");
    card.classList.toggle("fits", card.scrollWidth <= card.clientWidth);
  };
  new ResizeObserver(look).observe(card);
  new MutationObserver(look).observe(table.tBodies[0], { childList: true });
  look();
};

const emptyCell = (width) => {
  const cell = make("td", "", "No candidate fits all these filters.");
  cell.colSpan = width;
  return cell;
};
