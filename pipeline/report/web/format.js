// Numbers and formulas as the page writes them; the same rules as pipeline/report/text.py.

const MISSING = "–";
const NUDGE = 1e-9;

const grouped = (text) => text.replace(/\B(?=(\d{3})+(?!\d))/g, ",");

const FORMATS = {
  number: (value, digits) => {
    if (!Number.isFinite(value)) return MISSING;
    const shown = (value + NUDGE).toFixed(digits);
    return Number(shown) === 0 ? shown.replace("-", "") : shown.replace("-", "−");
  },
  count: (value) => (Number.isFinite(value) ? grouped(String(Math.floor(value + 0.5))).replace("-", "−") : MISSING),
  price: (value) => (Number.isFinite(value) && value >= 10 ? FORMATS.count(value) : FORMATS.number(value, value < 1 ? 2 : 1)),
};

const shown = (about, value) => FORMATS[about.format](value, about.shown);
const withUnit = (about, value) => shown(about, value) + (about.unit && Number.isFinite(value) ? ` ${about.unit}` : "");

// Of a long id the end, since an id may be a path, and there is the name.
const LONGEST_ID = 80;
const shownId = (id) => {
  const characters = [...id];
  return characters.length > LONGEST_ID ? `…${characters.slice(1 - LONGEST_ID).join("")}` : id;
};

// An element with text or children; text is never read as markup.
const make = (tag, className, ...children) => {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
};

const SUBSCRIPT = /(?<=[A-Za-z)\]])(\d+(?:\.\d+)?)/;

const NEXT_ELEMENT = /(?<=[^([])(?=[A-Z([])/; // a formula may wrap there

const formulaNodes = (text) =>
  text.split(NEXT_ELEMENT).flatMap((piece, place) => [
    ...(place ? [make("wbr", "")] : []),
    ...piece.split(SUBSCRIPT).map((part, k) => (k % 2 ? make("sub", "", part) : document.createTextNode(part))),
  ]);

const formulaElement = (text) => make("bdi", "formula", ...formulaNodes(text));
