// From packed cells to atoms, bonds and edges in Å.

const EPSILON = 1e-3; // of a fractional coordinate: two spellings of one place
const BOND = 1.15; // times the sum of the radii
const BALL = 0.38; // times the radius: what is drawn of an atom
const SHELL = 1.14; // times the nearest distance: the second shell of a bcc metal begins at 1.155
const MOST_ATOMS = 4000;
const MOST_BONDED = 800; // more are a picture of nothing but bonds

// Vectors as rows, from three lengths and three angles (degrees).
const latticeOf = ([a, b, c, alpha, beta, gamma]) => {
  const [ca, cb, cg] = [alpha, beta, gamma].map((angle) => Math.cos((angle * Math.PI) / 180));
  const sg = Math.sqrt(1 - cg * cg);
  const cx = (ca - cb * cg) / sg;
  return [
    [a, 0, 0],
    [b * cg, b * sg, 0],
    [c * cb, c * cx, c * Math.sqrt(Math.max(1 - cb * cb - cx * cx, 0))],
  ];
};

const combine = (weights, vectors) => [0, 1, 2].map((j) => weights[0] * vectors[0][j] + weights[1] * vectors[1][j] + weights[2] * vectors[2][j]);

const inverse = (m) => {
  const minor = (i, j) => m[(i + 1) % 3][(j + 1) % 3] * m[(i + 2) % 3][(j + 2) % 3] - m[(i + 1) % 3][(j + 2) % 3] * m[(i + 2) % 3][(j + 1) % 3];
  const whole = m[0][0] * minor(0, 0) + m[0][1] * minor(0, 1) + m[0][2] * minor(0, 2);
  return [0, 1, 2].map((i) => [0, 1, 2].map((j) => minor(j, i) / whole));
};

// The primitive cell of a candidate as it was sent; null where there is none.
const cellOf = (data, k) => {
  if (k >= data.cell_sites.raw.length || data.cell_sites.at(k) === 0) return null; // beyond the best, or licensed
  const parameters = Array.from({ length: 6 }, (_, j) => data.cell_parameters.at(6 * k + j));
  const sites = [];
  for (let place = data.cellStart[k]; place < data.cellStart[k + 1]; place += 1) {
    sites.push({ z: data.site_z.at(place), frac: [0, 1, 2].map((j) => data.site_frac.at(3 * place + j) / data.fraction) });
  }
  return { lattice: latticeOf(parameters), sites, centring: data.cell_centring.at(k) };
};

// The same crystal in its conventional cell: other vectors, and every site as often as they hold the primitive cell.
const conventionalCell = (cell, matrix) => {
  const back = inverse(matrix);
  const vectors = matrix.map((row) => combine(row, cell.lattice));
  const lattice = latticeOf([...lengthsOf(vectors), ...anglesOf(vectors)]); // upright, whatever the primitive cell's pose
  const sites = [];
  for (const site of cell.sites) {
    const found = [];
    for (let i = -2; i <= 2; i += 1) {
      for (let j = -2; j <= 2; j += 1) {
        for (let l = -2; l <= 2; l += 1) {
          const frac = combine([site.frac[0] + i, site.frac[1] + j, site.frac[2] + l], back).map(wrapped);
          if (!found.some((other) => near(other, frac))) found.push(frac);
        }
      }
    }
    sites.push(...found.map((frac) => ({ z: site.z, frac })));
  }
  return { lattice, sites, centring: 0 };
};

const wrapped = (x) => {
  const inside = x - Math.floor(x);
  return inside > 1 - EPSILON ? 0 : inside;
};

const near = (one, other) =>
  one.every((x, j) => {
    const apart = Math.abs(x - other[j]);
    return Math.min(apart, 1 - apart) < 2 * EPSILON;
  });

const lengthsOf = (lattice) => lattice.map((row) => Math.hypot(...row));
const anglesOf = (lattice) =>
  [[1, 2], [0, 2], [0, 1]].map(([i, j]) => {
    const product = lattice[i].reduce((sum, x, place) => sum + x * lattice[j][place], 0);
    return (Math.acos(product / (Math.hypot(...lattice[i]) * Math.hypot(...lattice[j]))) * 180) / Math.PI;
  });

// What is drawn: atoms in and on the border of the cell, bonds between them, the twelve edges; the middle of the cell is 0.
const sceneOf = (cell, radius) => {
  const middle = combine([0.5, 0.5, 0.5], cell.lattice);
  const centred = (frac) => combine(frac, cell.lattice).map((x, j) => x - middle[j]);
  const atoms = [];
  for (const [site, { z, frac }] of cell.sites.entries()) {
    const choices = frac.map((x) => (x < EPSILON ? [0, 1] : x > 1 - EPSILON ? [0, 1].map((step) => x - 1 + step) : [x]));
    for (const a of choices[0]) for (const b of choices[1]) for (const c of choices[2]) atoms.push({ z, site, at: centred([a, b, c]) });
    if (atoms.length > MOST_ATOMS) break;
  }
  const corners = [0, 1, 2, 3, 4, 5, 6, 7].map((n) => centred([n & 1, (n >> 1) & 1, n >> 2]));
  const edges = [];
  for (let n = 0; n < 8; n += 1) for (const bit of [1, 2, 4]) if (!(n & bit)) edges.push([corners[n], corners[n | bit]]);
  const reach = Math.max(...corners.map((corner) => Math.hypot(...corner))) + BALL * Math.max(...atoms.map((atom) => radius(atom.z)));
  return { atoms, bonds: bondsOf(atoms, radius), edges, reach };
};

const between = (one, other, share) => one.at.map((x, j) => x + share * (other.at[j] - x));

// From ball to ball, between atoms that touch by their radii, but not beyond the nearest shell of both.
const bondsOf = (atoms, radius) => {
  if (atoms.length > MOST_BONDED) return [];
  const pairs = [];
  const nearest = new Float64Array(atoms.length).fill(Infinity); // of a site, since an atom on the border lacks neighbours
  for (let i = 0; i < atoms.length; i += 1) {
    for (let j = 0; j < i; j += 1) {
      const apart = Math.hypot(...atoms[i].at.map((x, place) => x - atoms[j].at[place]));
      if (apart < 0.4 || apart > BOND * (radius(atoms[i].z) + radius(atoms[j].z))) continue;
      pairs.push([i, j, apart]);
      for (const { site } of [atoms[i], atoms[j]]) nearest[site] = Math.min(nearest[site], apart);
    }
  }
  return pairs
    .filter(([i, j, apart]) => apart <= SHELL * Math.max(nearest[atoms[i].site], nearest[atoms[j].site]))
    .map(([i, j, apart]) => [between(atoms[i], atoms[j], (BALL * radius(atoms[i].z)) / apart), between(atoms[j], atoms[i], (BALL * radius(atoms[j].z)) / apart)]);
};
