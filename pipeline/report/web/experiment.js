// What experiments say of a candidate: the same words as pipeline/report/experiment.py, and references as links.

const [PREDICTED, MEASURED, DISPUTED, ELSEWHERE] = [0, 1, 2, 3];
const DOI_FORM = /^10\.\d{4,9}\/\S+$/;

const numberOf = (data, name, k) => (data[name] && data.numbers[name] ? data[name].at(k) : NaN);

const nameOrders = (data) => {
  FORMATS.order = (value) => (Number.isFinite(value) ? data.orders[value] : MISSING);
};

const orderWords = (data, k) => {
  const value = (name) => numberOf(data, name, k);
  const code = value("order");
  if (!Number.isFinite(code)) return "";
  const name = data.orderNames[code];
  const references = value("known_references");
  const said = `${FORMATS.count(references)} reference${references === 1 ? "" : "s"}`;
  if (value("basis") === MEASURED) return `${name}, measured (${said})`;
  const [p, of] = data.orders[code] === "NM" ? ["p_magnetic", "P(magnetic)"] : ["p_fm_or_fim", "P(FM or FiM)"];
  const guess = `predicted ${name}${Number.isFinite(value(p)) ? ` (${of} ${FORMATS.number(value(p), 2)})` : ""}`;
  if (value("basis") === ELSEWHERE) return `${guess}, measured in another structure: ${data.known_elsewhere[k]}`;
  return value("basis") === DISPUTED ? `references disagree on the order (${said}), ${guess}` : guess;
};

const predictedWords = (data, k, label, names) => {
  const [known, low, high] = names.map((name) => FORMATS.count(numberOf(data, name, k)));
  return known === MISSING ? "" : `${label} ${known} K, predicted (90 % interval ${low} to ${high} K)`;
};

const temperatureWords = (data, k) => {
  const value = (name) => numberOf(data, name, k);
  const order = data.orders[value("order")];
  if (!order || order === "NM") return "";
  if (order === "AFM") {
    if (value("basis") === MEASURED && Number.isFinite(value("known_tn_K"))) return `TN ${FORMATS.count(value("known_tn_K"))} K, measured`;
    return predictedWords(data, k, "TN", ["tn_K", "tn_low_K", "tn_high_K"]);
  }
  if (value("tc_from") !== MEASURED) return predictedWords(data, k, "Tc", ["tc_K", "tc_low_K", "tc_high_K"]);
  const spread = value("known_spread_K");
  return `Tc ${FORMATS.count(value("tc_K"))} K, measured${spread > 0 ? ` (spread ${FORMATS.count(spread)} K)` : ""}`;
};

const magnetisationWords = (data, k) => {
  const value = (name) => numberOf(data, name, k);
  if (!Number.isFinite(value("saturation_T"))) return "";
  const warm = value("saturation_300K_T");
  const ordered = !["AFM", "NM"].includes(data.orders[value("order")]);
  const atWork = Number.isFinite(warm) && ordered ? `, ${FORMATS.number(warm, 2)} T at 300 K` : "";
  const parallel = data.orders[value("order")] === "FiM" ? ", which may keep its moments parallel" : "";
  const source = Number.isFinite(value("saturation_dft_T_low")) ? "net moment" : `DFT${parallel}`; // older runs rank the moment of DFT itself
  const given = Number.isFinite(value("saturation_if_fm_or_fim_T")) && ordered; // as that at 300 K is; older runs have none
  const cold = value(given ? "saturation_if_fm_or_fim_T" : "saturation_T");
  return `µ0·Ms${given ? " if FM or FiM" : ""} ${FORMATS.number(cold, 2)} T at 0 K (${source})${atWork}`;
};

// Why a candidate stands where it stands: order, temperature and magnetisation with their sources.
const sentenceOf = (data, k) => {
  const text = [orderWords(data, k), temperatureWords(data, k), magnetisationWords(data, k)].filter(Boolean).join("; ");
  return text ? `${text[0].toUpperCase()}${text.slice(1)}.` : "";
};

// Each reference, a DOI as a link to it.
const referenceNodes = (data, k) =>
  data.known_dois[k].split("; ").filter(Boolean).flatMap((text, place) => {
    const parts = place ? [", "] : [];
    if (!DOI_FORM.test(text) || text.includes("…")) return [...parts, make("bdi", "", text)];
    const link = make("a", "", make("bdi", "", text));
    link.href = data.doi + text.split("/").map(encodeURIComponent).join("/");
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    return [...parts, link];
  });

const intervalText = (data, k, name, low, high) => {
  const about = data.numbers[name];
  const [from, to] = [low, high].map((each) => shown(data.numbers[each] || about, numberOf(data, each, k)));
  return `${withUnit(about, numberOf(data, name, k))}${from === MISSING ? "" : ` (${from} to ${to})`}`;
};

// The panel's section on order and temperatures.
const fillExperiment = (section, data, k) => {
  const value = (name) => numberOf(data, name, k);
  const entries = [];
  const add = (label, ...content) => entries.push(make("div", label === "References" ? "wide" : "", make("dt", "", label), make("dd", "", ...content)));
  const order = value("order");
  const given = ["AFM", "NM"].includes(data.orders[order]) ? " if FM or FiM" : ""; // else a reader takes it for what the crystal has
  if (Number.isFinite(order)) {
    const basis = ["predicted", "measured", "predicted: references disagree", "predicted: another structure was measured"][value("basis")];
    add("Order", basis ? `${data.orders[order]}, ${basis}` : data.orders[order]);
  }
  if (Number.isFinite(value("p_fm_or_fim"))) add("P(FM or FiM)", shown(data.numbers.p_fm_or_fim, value("p_fm_or_fim")));
  if (Number.isFinite(value("tc_K"))) add(value("tc_from") === MEASURED ? "Tc, measured" : `Tc${given}, predicted`, intervalText(data, k, "tc_K", "tc_low_K", "tc_high_K"));
  if (data.orders[order] === "AFM" && Number.isFinite(value("tn_K"))) add("TN, predicted", intervalText(data, k, "tn_K", "tn_low_K", "tn_high_K"));
  if (Number.isFinite(value("saturation_300K_T"))) add(`µ0·Ms at 300 K${given}`, intervalText(data, k, "saturation_300K_T", "saturation_300K_T_low", "saturation_300K_T_high"));
  for (const name of ["p_tc_above_300", "p_tc_above_450", "p_tc_above_600"]) {
    if (Number.isFinite(value(name))) add(data.numbers[name].label, shown(data.numbers[name], value(name)));
  }
  if (Number.isFinite(value("uniaxial_possible"))) add("Single easy axis", value("uniaxial_possible") ? "the lattice allows one" : "the lattice allows none");
  if (data.known_order[k]) {
    add("References report", make("bdi", "", data.known_order[k] === "contradictory" ? "both kinds of order" : data.known_order[k]));
    for (const name of ["known_tc_K", "known_tn_K", "known_spread_K"]) if (Number.isFinite(value(name))) add(LABELS[name] || data.numbers[name].label, withUnit(data.numbers[name], value(name)));
    add("Number of references", FORMATS.count(value("known_references")));
    if (data.known_dois[k]) add("References", ...referenceNodes(data, k));
  }
  if (data.known_elsewhere[k]) add("Measured in another structure", make("bdi", "", data.known_elsewhere[k]));
  section.hidden = !entries.length;
  section.querySelector("dl").replaceChildren(...entries);
};
