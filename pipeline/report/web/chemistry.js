// Formulas as compositions, so that one compound is found however it is written.

const TOKEN = /([A-Z][a-z]?)|(\()|(\))|(\d+(?:\.\d+)?)/y;
const SUBSCRIPT_DIGITS = /[₀-₉]/g;

// Co₂MnSi, Co$_2$MnSi, Co_{2}MnSi and [..] as plain text.
const plainFormula = (text) => text.replace(SUBSCRIPT_DIGITS, (digit) => String(digit.charCodeAt(0) - 0x2080)).replace(/[$_{}]/g, "").replaceAll("[", "(").replaceAll("]", ")");

// Amounts by atomic number, as they are written; null where the text is not a formula.
const compositionOf = (data, text) => {
  const groups = [new Map()];
  let last = new Map();
  const add = (more, factor = 1) => more.forEach((n, z) => groups.at(-1).set(z, (groups.at(-1).get(z) || 0) + n * factor));
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const found = TOKEN.exec(text);
    if (!found) return null;
    const [, element, opened, closed, amount] = found;
    if (amount !== undefined) {
      add(last, Number(amount));
      last = new Map();
      continue;
    }
    add(last);
    last = new Map();
    if (element) {
      const z = data.symbols.indexOf(element) + 1;
      if (!z) return null;
      last.set(z, 1);
    } else if (opened) groups.push(new Map());
    else if (closed) {
      if (groups.length === 1) return null;
      last = groups.pop();
    }
  }
  add(last);
  return groups.length === 1 && groups[0].size ? groups[0] : null;
};

// The same text for every way to write a composition; null where it is not one.
const formulaKey = (data, text) => {
  const amounts = compositionOf(data, plainFormula(text));
  if (!amounts) return null;
  const whole = [...amounts.values()].reduce((sum, n) => sum + n, 0);
  if (!(whole > 0)) return null;
  return [...amounts].filter(([, n]) => n > 0).sort(([a], [b]) => a - b).map(([z, n]) => `${z}:${(n / whole).toFixed(6)}`).join(" ");
};

// Of each candidate; worked out once, and once for each formula.
const formulaKeys = (data) => {
  const known = new Map();
  data.keys ||= data.formula.map((text) => {
    if (!known.has(text)) known.set(text, formulaKey(data, text));
    return known.get(text);
  });
  return data.keys;
};

// Candidates of one compound that are not the same crystal, the best first; by formula, since all of a run are written alike.
const polymorphsOf = (data, k) => {
  if (!data.compounds) {
    data.compounds = new Map();
    for (let row = 0; row < data.rows; row += 1) {
      if (data.duplicate_of[row]) continue;
      const rows = data.compounds.get(data.formula[row]);
      if (rows) rows.push(row);
      else data.compounds.set(data.formula[row], [row]);
    }
  }
  return data.compounds.get(data.formula[k]) || [];
};
