// The candidates that a person has ticked, and what to do with them: a command for DFT inputs, or a table.

const FORMULA_START = /^[=+\-@\t\r\n]/;
const WRITTEN_OUT = /[…\u2400-\u241f]|⟨U\+/; // an id that is not shown as it is (`visible` in pipeline/report/text.py)

const csvCell = (value) => {
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
  const inert = FORMULA_START.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
};

// Columns that are codes in the page's data, as ranking.csv names and writes them; `order` is the measured one, else the likeliest.
const CODED = { order: ["order", "orders"], basis: ["order_basis", "bases"], tc_from: ["tc_basis", "bases"] };
const CSV_TEXTS = [
  "candidate_id", "formula", "source_file", "exclusion_reason", "duplicate_of", "known_id", "label_provenance", "known_order", "known_dois",
  "known_elsewhere", "moment_explained", "occupancies", "note",
];

const csvOf = (data, rows) => {
  const numbers = Object.keys(data.numbers).filter((name) => !["tesla", "dft"].includes(name));
  const names = numbers.map((name) => (CODED[name] ? CODED[name][0] : name));
  const cell = (name, k) => {
    const value = data[name].at(k);
    return CODED[name] ? data[CODED[name][1]][value] || "" : value;
  };
  const lines = rows.map((k) => [...numbers.map((name) => cell(name, k)), ...CSV_TEXTS.map((name) => data[name][k])].map(csvCell).join(","));
  return `${[...names, ...CSV_TEXTS].join(",")}\n${lines.join("\n")}\n`;
};

const nameable = (data, k) => data.candidate_id[k] && !WRITTEN_OUT.test(data.candidate_id[k]);

const exportCommand = (data, rows) => {
  const ids = rows.filter((k) => nameable(data, k)).map((k) => data.candidate_id[k]);
  return ids.length ? `ferroscreen export ${data.run} ${ids.map((id) => `--ids '${id.replaceAll("'", "'\\''")}'`).join(" ")}` : "";
};

const startPicks = (data, changed) => {
  const bar = document.getElementById("picks");
  const part = (name) => bar.querySelector(`[data-part="${name}"]`);
  const picked = new Set();
  const inOrder = () => [...picked].sort((a, b) => a - b);

  const draw = () => {
    bar.hidden = !picked.size;
    document.body.classList.toggle("picking", picked.size > 0);
    const others = inOrder().filter((k) => !nameable(data, k)).length;
    part("count").textContent = `${picked.size} picked${others ? `, ${others} of them not in the command: an id that cannot be shown as it is (ranking.csv has it)` : ""}`;
    part("command").textContent = exportCommand(data, inOrder());
    part("copied").textContent = "";
  };
  part("copy").addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(part("command").textContent);
      part("copied").textContent = "Copied.";
    } catch {
      getSelection().selectAllChildren(part("command")); // where a page from a disk may not reach the clipboard
      part("copied").textContent = "Selected: copy it by hand.";
    }
  });
  part("save").addEventListener("click", () => {
    download(csvOf(data, inOrder()), "text/csv", "picked.csv");
  });
  part("clear").addEventListener("click", () => {
    picked.clear();
    draw();
    changed();
  });
  return {
    has: (k) => picked.has(k),
    set: (k, wanted) => {
      if (wanted) picked.add(k);
      else picked.delete(k);
      draw();
      changed();
    },
  };
};
