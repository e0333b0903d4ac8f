// Where a candidate comes from: the page of its entry, as far as its id tells, and the crystal as a CIF file.

// A link, or null: the whole id has to be of a known form (pipeline/report/entries.py), so nothing else of it gets into an address.
const entryLink = (data, id) => {
  for (const [form, name, before, after] of data.entries) {
    const found = new RegExp(form).exec(id);
    if (!found) continue;
    const link = make("a", "", `${id} in ${name}`);
    link.href = `${before}${found[1]}${after}`;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    return link;
  }
  return null;
};

const COMMON_SHARES = [2, 3, 4, 6, 8, 12];

// What was sent in steps of 1 / data.fraction, on the simple fraction that it stands for.
const exactShare = (x, step) => {
  for (const n of COMMON_SHARES) if (Math.abs(x - Math.round(x * n) / n) < step) return Math.round(x * n) / n;
  return x;
};

// In P 1, every atom listed: any program reads it, and finds the symmetry again.
const cifText = (data, k, cell) => {
  const [a, b, c] = lengthsOf(cell.lattice).map((x) => x.toFixed(4));
  const [alpha, beta, gamma] = anglesOf(cell.lattice).map((x) => x.toFixed(3));
  const name = data.candidate_id[k].replace(/[^A-Za-z0-9_.-]/g, "_");
  const counts = {};
  const sites = cell.sites.map(({ z, frac }) => {
    const symbol = data.symbols[z - 1];
    counts[symbol] = (counts[symbol] || 0) + 1;
    return `${symbol}${counts[symbol]} ${symbol} ${frac.map((x) => exactShare(x, 1 / data.fraction).toFixed(6)).join(" ")} 1`;
  });
  return [
    `data_${name || "crystal"}`, "# written by a ferroscreen report: all atoms of the cell, without symmetry",
    `_cell_length_a ${a}`, `_cell_length_b ${b}`, `_cell_length_c ${c}`,
    `_cell_angle_alpha ${alpha}`, `_cell_angle_beta ${beta}`, `_cell_angle_gamma ${gamma}`,
    "_space_group_name_H-M_alt 'P 1'", "_space_group_IT_number 1", "loop_", "_space_group_symop_operation_xyz", "'x, y, z'",
    "loop_", "_atom_site_label", "_atom_site_type_symbol", "_atom_site_fract_x", "_atom_site_fract_y", "_atom_site_fract_z", "_atom_site_occupancy",
    ...sites, "",
  ].join("\n");
};

const download = (text, type, name) => {
  const link = make("a", "");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};
