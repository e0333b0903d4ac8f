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
    row.querySelector(".id").textContent = shownId(data.candidate_id[k]);
    row.querySelector(".id").after(...markNodes(data, k));
    fillBar(row.querySelector("svg.of-moment"), data, k, members, place);
    if (data.numbers.tc_K) fillTemperature(row.querySelector("svg.of-tc"), data, k, barScale(data.tcScale));
    return row;
  };
};

// What a reader must know of a candidate before choosing it.
const marks = (data, k) => {
  const found = [];
  if (numberOf(data, "basis", k) === MEASURED) found.push("measured");
  if (numberOf(data, "basis", k) === DISPUTED) found.push("references disagree");
  if (numberOf(data, "basis", k) === ELSEWHERE) found.push("other structure measured");
  if (data.exclusion_reason[k]) found.push("set aside");
  if (data.duplicate_of[k]) found.push("duplicate");
  if (data.known_id[k] || (data.dft && Number.isFinite(data.dft.at(k)))) found.push("known");
  if (data.note[k]) found.push("note");
  const others = polymorphsOf(data, k).length - 1;
  if (others > 0 && !data.duplicate_of[k]) found.push(polymorphsOf(data, k)[0] === k ? `also ${others} polymorph${others > 1 ? "s" : ""}` : "polymorph");
  return found;
};

const markNodes = (data, k) => marks(data, k).map((mark) => make("span", mark === "measured" ? "mark measured" : "mark", mark));

const barScale = (scale) => (tesla) => {
  if (!Number.isFinite(tesla)) return NaN;
  const share = Math.min(Math.max(tesla / scale.end, 0), 1);
  return Number((scale.margin + share * (scale.width - 2 * scale.margin)).toFixed(1));
};

// A dot where it is predicted, a diamond where it was measured, as for moments.
const fillTemperature = (bar, data, k, place) => {
  const [low, high, at] = ["tc_low_K", "tc_high_K", "tc_K"].map((name) => place(numberOf(data, name, k)));
  const measured = numberOf(data, "tc_from", k) === MEASURED;
  const put = (part, known, attributes) => {
    if (!known) part.remove();
    else for (const [name, text] of Object.entries(attributes)) part.setAttribute(name, text);
  };
  put(bar.querySelector(".span"), Number.isFinite(low + high), { x: low, width: Math.abs(high - low).toFixed(1) });
  put(bar.querySelector(".dot"), Number.isFinite(at) && !measured, { cx: at });
  put(bar.querySelector(".dft"), Number.isFinite(at) && measured, { d: `M${at} 4.5l4.5 4.5l-4.5 4.5l-4.5 -4.5z` });
  const words = ["tc_K", "tc_low_K", "tc_high_K"].map((name) => FORMATS.count(numberOf(data, name, k)));
  bar.setAttribute("aria-label", `Curie temperature ${words[0]} K, ${measured ? "measured" : "predicted"}, ${words[1]} to ${words[2]} K`);
};

const fillBar = (bar, data, k, members, place) => {
  const tesla = data.tesla ? data.tesla.at(k) : NaN;
  const value = (name) => (data[name] ? data[name].at(k) : NaN);
  const saturation = ["saturation_T_low", "saturation_T_high", "saturation_T"].map(value); // of the net moment
  const [low, high, dot] = saturation.map(place);
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
  const words = saturation.map((known) => FORMATS.number(known, 2));
  bar.setAttribute("aria-label", `${words[2]} T, 90 % interval ${words[0]} to ${words[1]} T`);
};
