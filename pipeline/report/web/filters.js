// From the form to functions that say whether a row is wanted.

const RANGE = /^\s*(\d+)\s*(?:[-–]\s*(\d+))?\s*$/;

const groupTest = (data, group) => {
  const tests = data.groups[group].map((z) => elementTest(data, z, false));
  return (k) => tests.every((test) => test(k));
};

const limitTest = (data, name, limit, keepUnknown) => {
  const column = data[name];
  const border = column.stored(limit);
  const slack = 1e-6; // a limit of 0.3 holds what is stored as 0.3
  const fits = data.numbers[name].low ? (value) => value <= border + slack : (value) => value >= border - slack;
  return (k) => (column.raw[k] === column.none ? keepUnknown : fits(column.raw[k]));
};

const spaceGroupTest = (data, text) => {
  const found = RANGE.exec(text);
  if (!found) return null;
  const [first, last] = [Number(found[1]), Number(found[2] || found[1])];
  return (k) => data.space_group.at(k) >= first && data.space_group.at(k) <= last;
};

const FLAGS = {
  duplicates: (data) => (k) => !data.duplicate_of[k],
  known: (data) => (k) => !data.known_id[k] && !(data.dft && Number.isFinite(data.dft.at(k))),
  aside: (data) => (k) => !data.exclusion_reason[k],
  polymorphs: (data) => (k) => !data.duplicate_of[k] && polymorphsOf(data, k)[0] === k,
};

const lattice = (first, last) => (data) => (k) => data.space_group.at(k) >= first && data.space_group.at(k) <= last;

Object.assign(FLAGS, {
  measured: (data) => (k) => numberOf(data, "basis", k) === MEASURED,
  unmeasured: (data) => (k) => !data.known_order[k],
  disputed: (data) => (k) => numberOf(data, "basis", k) === DISPUTED,
  // As the score has it: to 0.1 Å, where the space group is the exact one; older runs have the space group alone.
  uniaxial: (data) => (data.numbers.uniaxial_possible ? (k) => data.uniaxial_possible.at(k) === 1 : lattice(75, 194)(data)),
  cubic: lattice(195, 230),
});

// One of the chosen orders; what is FM or FiM is found as either.
const orderTest = (data, codes) => {
  const either = data.orders.indexOf("FM or FiM");
  const wanted = new Set(codes.map((code) => data.orders[code]));
  return (k) => {
    const code = data.order.at(k);
    return wanted.has(data.orders[code]) || (code === either && (wanted.has("FM") || wanted.has("FiM")));
  };
};

const wantedRows = (data, form) => {
  const tests = searchTests(data, form.elements.query.value);
  for (const box of form.querySelectorAll("input[data-group]:checked")) tests.push(groupTest(data, box.dataset.group));
  for (const box of form.querySelectorAll("input[data-flag]:checked")) tests.push(FLAGS[box.dataset.flag](data));
  const orders = [...form.querySelectorAll("input[data-order]:checked")].map((box) => Number(box.dataset.order));
  if (orders.length) tests.push(orderTest(data, orders));
  for (const button of form.querySelectorAll("button[data-state]")) {
    tests.push(elementTest(data, Number(button.dataset.z), button.dataset.state === "in"));
  }
  const keep = form.elements.unknown.checked;
  for (const input of form.querySelectorAll("input[data-limit]")) {
    if (input.value !== "" && Number.isFinite(input.valueAsNumber)) tests.push(limitTest(data, input.dataset.limit, input.valueAsNumber, keep));
  }
  const group = form.elements.spaceGroup && spaceGroupTest(data, form.elements.spaceGroup.value);
  if (group) tests.push(group);
  return tests;
};

const STATES = { "": "in", in: "out", out: "" };
const STATE_WORDS = { "": "does not matter", in: "must be in", out: "must not be in" };

const setElement = (button, state) => {
  if (state) button.dataset.state = state;
  else delete button.dataset.state;
  button.setAttribute("aria-label", `${button.title}: ${STATE_WORDS[state]}`);
};

const startFilters = (form, changed) => {
  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.querySelector(".periodic").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    setElement(button, STATES[button.dataset.state || ""]);
    changed();
  });
  form.addEventListener("reset", () => {
    form.querySelectorAll(".periodic button").forEach((button) => setElement(button, ""));
    setTimeout(changed); // the fields are emptied after this event
  });
};
