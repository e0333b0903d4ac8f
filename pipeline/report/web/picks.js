// The candidates that a person has ticked, and what to do with them: a command for DFT inputs, or a table.

const FORMULA_START = /^[=+\-@\t\r\n]/;
const WRITTEN_OUT = /[…\n]|⟨U\+/; // an id that the command line could not take, or that is not shown as it is

const csvCell = (value) => {
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : "";
  const inert = FORMULA_START.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
};

const csvOf = (data, rows) => {
  const texts = ["candidate_id", "formula", "source_file", "exclusion_reason", "duplicate_of", "known_id", "label_provenance", "note"];
  const numbers = Object.keys(data.numbers).filter((name) => !["tesla", "dft"].includes(name));
  const lines = rows.map((k) => [...numbers.map((name) => csvCell(data[name].at(k))), ...texts.map((name) => csvCell(data[name][k]))].join(","));
  return `${[...numbers, ...texts].join(",")}\n${lines.join("\n")}\n`;
};

const exportCommand = (data, rows) => {
  const ids = rows.map((k) => data.candidate_id[k]).filter((id) => id && !WRITTEN_OUT.test(id));
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
    part("count").textContent = `${picked.size} picked`;
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
