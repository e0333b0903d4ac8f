// One candidate: everything that is known of it, and why it stands where it stands.

const startPanel = (data, listed, picks) => {
  const panel = document.getElementById("panel");
  const part = (name) => panel.querySelector(`[data-part="${name}"]`);
  const viewer = startViewer(part("canvas"), part("legend"), data);
  const cells = { shown: null, conventional: null, primitive: null };
  let current = 0;
  let opener = null;

  const show = (k) => {
    current = k;
    const place = listed().indexOf(k);
    part("title").replaceChildren(formulaElement(data.formula[k]));
    part("id").textContent = data.candidate_id[k];
    part("rank").textContent = `Rank ${FORMATS.count(data.rank.at(k))} of ${FORMATS.count(data.rows)}`;
    part("marks").replaceChildren(...markNodes(data, k));
    part("place").textContent = place < 0 ? "" : `${FORMATS.count(place + 1)} of ${FORMATS.count(listed().length)} listed`;
    part("back").disabled = place <= 0;
    part("forth").disabled = place < 0 || place === listed().length - 1;
    part("pick").checked = picks.has(k);
    part("why").replaceChildren(...whyNodes(data, k));
    part("votes").replaceChildren(intervalChart(data, k));
    part("facts").replaceChildren(...factNodes(data, k));
    fillOrderings(part("orderings"), data, k);
    fillExperiment(part("experiment"), data, k);
    fillDetails(part("details"), data, k);
    fillNeighbours(part("neighbours"), data, k);
    fillTwins(part("twins"), data, k, show);
    fillPolymorphs(part("polymorphs"), data, k, show);
    showCell(k);
    part("scroll").scrollTop = 0;
  };

  const showCell = (k) => {
    const primitive = cellOf(data, k);
    part("cif").hidden = !data.open || Boolean(data.occupancies[k]); // the page has the main species of each place alone
    part("structure").hidden = !primitive;
    part("nostructure").hidden = Boolean(primitive);
    if (!primitive) return;
    cells.primitive = primitive;
    cells.conventional = conventionalCell(primitive, data.conventional[primitive.centring]);
    part("cell").hidden = primitive.centring === 0;
    drawCell();
  };

  const drawCell = () => {
    const cell = part("primitive").checked ? cells.primitive : cells.conventional;
    const [a, b, c] = lengthsOf(cell.lattice).map((x) => x.toFixed(2));
    const angles = anglesOf(cell.lattice).map((x) => x.toFixed(1).replace(/\.0$/, ""));
    part("edges").textContent = `a = ${a}, b = ${b}, c = ${c} Å; α = ${angles[0]}, β = ${angles[1]}, γ = ${angles[2]}°; ${cell.sites.length} atoms${data.occupancies[current] ? ", the main species of each place only" : ""}`;
    part("canvas").setAttribute("aria-label", `Crystal structure of ${data.formula[current]}: ${cell.sites.length} atoms in the cell. Arrow keys turn it, plus and minus zoom.`);
    viewer.show(cell);
  };

  const step = (by) => {
    const rows = listed();
    const place = rows.indexOf(current) + by;
    if (place >= 0 && place < rows.length) show(rows[place]);
  };
  part("back").addEventListener("click", () => step(-1));
  part("forth").addEventListener("click", () => step(1));
  part("close").addEventListener("click", () => panel.close());
  part("pick").addEventListener("change", () => picks.set(current, part("pick").checked));
  part("primitive").addEventListener("change", drawCell);
  part("bonds").addEventListener("change", () => viewer.bonds(part("bonds").checked));
  part("reset").addEventListener("click", viewer.reset);
  part("cif").addEventListener("click", () => {
    const name = data.candidate_id[current].replace(/[^A-Za-z0-9_.-]/g, "_");
    download(cifText(data, current, part("primitive").checked ? cells.primitive : cells.conventional), "chemical/x-cif", `${name || "crystal"}.cif`);
  });
  panel.addEventListener("keydown", (event) => {
    if (event.target.matches("input") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowLeft") step(-1);
    else if (event.key === "ArrowRight") step(1);
    else return;
    event.preventDefault();
  });
  panel.addEventListener("click", (event) => {
    if (event.target === panel) panel.close(); // beside it
  });
  panel.addEventListener("close", () => opener && opener.isConnected && opener.focus());
  return {
    open: (k, from) => {
      opener = from;
      panel.showModal();
      show(k);
    },
    redraw: viewer.redraw,
  };
};

// The profile's score with the candidate's own numbers in it.
const whyNodes = (data, k) => {
  const nodes = [make("p", "sentence", sentenceOf(data, k))];
  if (data.exclusion_reason[k]) nodes.push(make("p", "aside", `Ranked after all that compete: ${data.exclusion_reason[k]}.`));
  if (!data.working) return nodes;
  const worked = data.working.replace(/[A-Za-z_]\w*/g, (name) => shown(data.numbers[name], data[name].at(k))).replaceAll("*", "×");
  nodes.push(make("p", "sum", worked === shown(data.numbers.score, data.score.at(k)) ? "score = " : `${worked} = `, make("strong", "", shown(data.numbers.score, data.score.at(k)))));
  const terms = make("dl", "terms-of-score");
  for (const name of data.terms) {
    const about = data.numbers[name];
    terms.append(make("div", "", make("dt", "", name.startsWith("saturation_") && !about.label.startsWith("µ0·Ms") ? `µ0·Ms ${about.label}` : about.label), make("dd", "", withUnit(about, data[name].at(k)))));
  }
  nodes.push(terms);
  return nodes;
};

const LONG_DETAIL = 24; // characters; more take the whole width
const FACTS = [
  "saturation_T", "saturation_T_low", "saturation_T_high", "moment_net", "moment_net_low", "moment_net_high", "moment_std", "p_magnetic", "ood_score", "known_moment", "moment_dft", "e_above_hull", "price_USD_per_kg",
  "hhi_production", "hhi_reserve", "space_group", "n_sites",
];
const LABELS = { saturation_T_low: "µ0·Ms at least", saturation_T_high: "µ0·Ms at most", p_magnetic: "P(magnetic)", e_above_hull: "Energy above the hull", hhi_production: "Concentration of production", n_sites: "Sites in the primitive cell" };

// A number with its unit; the space group by its symbol, too, and no stated error smaller than test rows bear out.
const factText = (data, name, k) => {
  const value = data[name].at(k);
  if (name === "space_group" && data.spaceGroups[value - 1]) return `${data.spaceGroups[value - 1]} (${value})`;
  if (name === "moment_std" && value < data.floor) return `below ${data.floor} µB/atom`;
  return withUnit(data.numbers[name], value);
};

const factNodes = (data, k) => {
  const facts = FACTS.filter((name) => data.numbers[name] && (data.numbers[name].unit !== "µB/atom" || Number.isFinite(data[name].at(k)))).map((name) => {
    const about = data.numbers[name];
    return [LABELS[name] || about.label, factText(data, name, k)];
  });
  if (!data.numbers.e_above_hull) facts.push(["Energy above the hull", "not known"]);
  const texts = [["In the labelled data as", data.known_id[k]], ["Known moment from", data.label_provenance[k]], ["Duplicate of", data.duplicate_of[k]], ["How it adds up", data.moment_explained[k]], ["Occupancies", data.occupancies[k]], ["Note", data.note[k]], ["Source", data.source_file[k]]];
  facts.push(...texts.filter(([, text]) => text));
  const nodes = facts.map(([label, text]) => make("div", label === "Note" || label === "Source" ? "wide" : "", make("dt", "", label), make("dd", "", make("bdi", "", text))));
  const entry = entryLink(data, data.candidate_id[k]);
  if (entry) nodes.push(make("div", "wide", make("dt", "", "Source entry"), make("dd", "", entry)));
  return nodes;
};

const fillOrderings = (section, data, k) => {
  section.hidden = !data.orderings.length;
  section.querySelector("dl").replaceChildren(
    ...data.orderings.map((name) => {
      const fill = make("span", "fill");
      fill.style.setProperty("width", `${100 * Math.min(Math.max(data[name].at(k) || 0, 0), 1)}%`);
      const track = make("span", "track", fill);
      track.setAttribute("aria-hidden", "true"); // the number stands beside it
      return make("div", "", make("dt", "", name.replace(/^p_/, "").replaceAll("_", " ")), make("dd", "", track, shown(data.numbers[name], data[name].at(k))));
    }),
  );
};

// The columns that pipeline/screening/columns.py gives a label for this place, where the candidate has a value.
const fillDetails = (section, data, k) => {
  const held = Object.entries(data.details).filter(([name]) => data[name][k]);
  section.hidden = !held.length;
  section.querySelector("dl").replaceChildren(
    ...held.map(([name, label]) => make("div", data[name][k].length > LONG_DETAIL ? "wide" : "", make("dt", "", label), make("dd", "", make("bdi", "", data[name][k])))),
  );
};

const fillNeighbours = (section, data, k) => {
  const rows = [];
  for (let j = k * data.nearest; j < (k + 1) * data.nearest; j += 1) {
    const near = data.neighbour.at(j);
    if (!Number.isFinite(near)) continue;
    const name = make("th", "", formulaElement(data.learned_formula[near]), make("bdi", "id", data.learned_id[near]));
    name.scope = "row";
    const share = data.exchanged.at(j);
    rows.push(make("tr", "", name, make("td", "n", share ? `${FORMATS.number(100 * share, 0)} %` : "same"), make("td", "n", FORMATS.number(data.learned_moment.at(near), 2))));
  }
  section.hidden = !rows.length;
  section.querySelector("tbody").replaceChildren(...rows);
};

// All candidates of this run that are the same crystal.
const fillTwins = (section, data, k, show) => {
  const original = data.duplicate_of[k] || data.candidate_id[k];
  const twins = [];
  for (let row = 0; row < data.rows && twins.length < 12; row += 1) {
    if (row !== k && (data.duplicate_of[row] === original || (data.duplicate_of[k] && data.candidate_id[row] === original))) twins.push(row);
  }
  fillList(section, data, twins, show, () => "");
};

// Other crystals of the same compound.
const fillPolymorphs = (section, data, k, show) => {
  const others = polymorphsOf(data, k).filter((row) => row !== k).slice(0, 12);
  fillList(section, data, others, show, (row) => (data.numbers.space_group ? `, ${factText(data, "space_group", row)}` : ""));
};

const fillList = (section, data, rows, show, remark) => {
  section.hidden = !rows.length;
  section.querySelector("ul").replaceChildren(
    ...rows.map((row) => {
      const link = make("button", "link", make("bdi", "", shownId(data.candidate_id[row])), `, rank ${FORMATS.count(data.rank.at(row))}${remark(row)}`);
      link.type = "button";
      link.addEventListener("click", () => show(row));
      return make("li", "", link);
    }),
  );
};
