// The members' predictions, the interval and the DFT moment, one below the other on one scale of moments.

const svgMake = (tag, attributes, text) => {
  const element = document.createElementNS(document.querySelector("svg").namespaceURI, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
};

const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10];
const [CHART, LEFT, RIGHT, LINE] = [560, 132, 76, 24];

const intervalChart = (data, k) => {
  const value = (name) => (data[name] ? data[name].at(k) : NaN);
  const [low, high, moment, dft] = ["moment_low", "moment_high", "moment_muB_per_atom", "dft"].map(value);
  const votes = Object.entries(data.members).map(([column, name]) => [name, value(column)]);
  const end = Math.max(0.1, ...[high, moment, dft, ...votes.map(([, vote]) => vote)].filter(Number.isFinite));
  const step = STEPS.find((each) => end <= 5 * each) || STEPS.at(-1);
  const top = step * Math.ceil(end / step - 1e-9);
  const x = (known) => (LEFT + (Math.min(Math.max(known, 0), top) / top) * (CHART - LEFT - RIGHT)).toFixed(1);
  const lines = [["ensemble", moment], ...votes, ...(Number.isFinite(dft) ? [["known from DFT", dft]] : [])];
  const height = lines.length * LINE + 22;
  const chart = svgMake("svg", { class: "votes", viewBox: `0 0 ${CHART} ${height}`, role: "img" });
  chart.setAttribute("aria-label", `Moments in µB/atom: ${lines.map(([name, known]) => `${name} ${FORMATS.number(known, 2)}`).join(", ")}; 90 % interval ${FORMATS.number(low, 2)} to ${FORMATS.number(high, 2)}`);
  if (Number.isFinite(low + high)) chart.append(svgMake("rect", { class: "range", x: x(low), y: 2, width: Math.max(1, x(high) - x(low)), height: height - 22 }));
  for (let tick = 0; tick <= Math.round(top / step); tick += 1) {
    chart.append(svgMake("path", { class: "rule", d: `M${x(tick * step)} 2V${height - 18}` }));
    chart.append(svgMake("text", { class: "tick", x: x(tick * step), y: height - 4 }, String(Number((tick * step).toFixed(1)))));
  }
  chart.append(svgMake("text", { class: "unit", x: CHART, y: height - 4 }, "µB/atom"));
  lines.forEach(([name, known], line) => {
    const y = line * LINE + 14;
    chart.append(svgMake("text", { class: line ? "name" : "name whole", x: 0, y: y + 4 }, name.length > 20 ? `${name.slice(0, 19)}…` : name));
    chart.append(svgMake("text", { class: line ? "value" : "value whole", x: CHART, y: y + 4 }, FORMATS.number(known, 2)));
    if (!Number.isFinite(known)) return;
    const isDft = line > votes.length;
    if (!line) {
      if (Number.isFinite(low + high)) chart.append(svgMake("rect", { class: "span", x: x(low), y: y - 4, width: Math.max(1, x(high) - x(low)), height: 8, rx: 4 }));
      chart.append(svgMake("circle", { class: "dot", cx: x(known), cy: y, r: 5 }));
    } else if (isDft) chart.append(svgMake("path", { class: "dft", d: `M${x(known)} ${y - 5.5}l5.5 5.5l-5.5 5.5l-5.5 -5.5z` }));
    else chart.append(svgMake("path", { class: "member", d: `M${x(known)} ${y - 7}v14` }));
  });
  return chart;
};
