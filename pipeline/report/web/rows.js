// One row of the table, from the template that the server's rows were made of.

const rowMaker = (data) => {
  const template = document.getElementById("row").content.firstElementChild;
  const place = barScale(data.scale);
  const members = Object.keys(data.members);
  return (k) => {
    const row = template.cloneNode(true);
    row.dataset.row = k;
    for (const cell of row.querySelectorAll("[data-c]")) {
      cell.textContent = shown(data.numbers[cell.dataset.c], data[cell.dataset.c].at(k));
    }
    row.querySelector(".formula").replaceChildren(...formulaNodes(data.formula[k]));
    row.querySelector(".id").textContent = data.candidate_id[k];
    row.querySelector(".id").after(...marks(data, k).map((mark) => make("span", "mark", mark)));
    fillBar(row.querySelector("svg.bar"), data, k, members, place);
    return row;
  };
};

// What is to be known of a candidate before one falls in love with it.
const marks = (data, k) => {
  const found = [];
  if (data.exclusion_reason[k]) found.push("set aside");
  if (data.duplicate_of[k]) found.push("duplicate");
  if (data.known_id[k] || (data.dft && Number.isFinite(data.dft.at(k)))) found.push("known");
  if (data.note[k]) found.push("note");
  const others = polymorphsOf(data, k).length - 1;
  if (others > 0 && !data.duplicate_of[k]) found.push(polymorphsOf(data, k)[0] === k ? `also ${others} polymorph${others > 1 ? "s" : ""}` : "polymorph");
  return found;
};

const barScale = (scale) => (tesla) => {
  if (!Number.isFinite(tesla)) return NaN;
  const share = Math.min(Math.max(tesla / scale.end, 0), 1);
  return Number((scale.margin + share * (scale.width - 2 * scale.margin)).toFixed(1));
};

const fillBar = (bar, data, k, members, place) => {
  const tesla = data.tesla ? data.tesla.at(k) : NaN;
  const value = (name) => (data[name] ? data[name].at(k) : NaN);
  const [low, high, dot] = ["moment_low", "moment_high", "moment_muB_per_atom"].map((name) => place(value(name) * tesla));
  const put = (part, known, attributes) => {
    if (!part) return;
    if (!known) part.remove();
    else for (const [name, text] of Object.entries(attributes)) part.setAttribute(name, text);
  };
  put(bar.querySelector(".span"), Number.isFinite(low + high), { x: low, width: Math.abs(high - low).toFixed(1) });
  put(bar.querySelector(".dot"), Number.isFinite(dot), { cx: dot });
  bar.querySelectorAll(".member").forEach((tick, j) => {
    const x = place(value(members[j]) * tesla);
    put(tick, Number.isFinite(x), { d: `M${x} 4v10` });
  });
  const dft = place(value("dft") * tesla);
  put(bar.querySelector(".dft"), Number.isFinite(dft), { d: `M${dft} 4.5l4.5 4.5l-4.5 4.5l-4.5 -4.5z` });
  const words = ["moment_muB_per_atom", "moment_low", "moment_high"].map((name) => FORMATS.number(value(name), 2));
  bar.setAttribute("aria-label", `${words[0]} µB/atom, 90 % interval ${words[1]} to ${words[2]}`);
};
