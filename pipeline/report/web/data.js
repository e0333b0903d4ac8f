// The page's data: gzip in base64 in a script element that is not a script. pipeline/report/pack.py says how it is laid out.

const bytesOf = (base64) => {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let k = 0; k < text.length; k += 1) bytes[k] = text.charCodeAt(k);
  return bytes;
};

const ARRAYS = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array };

// A column of numbers: `raw` is stored whole numbers, `none` the one that means "not known".
const numberColumn = (buffer, start, about) => {
  const raw = new ARRAYS[about.type](buffer, start + about.at, about.rows);
  const none = 2 ** (8 * about.type) - 1;
  const scale = 10 ** about.digits;
  return {
    raw,
    none,
    at: (k) => (k >= raw.length || raw[k] === none ? NaN : (raw[k] + about.least) / scale),
    stored: (value) => value * scale - about.least, // not rounded: to compare `raw` with
  };
};

const textColumn = (buffer, start, about) => {
  const text = new TextDecoder().decode(new Uint8Array(buffer, start + about.at, about.bytes));
  return about.rows ? text.split("\n") : [];
};

const readData = async () => {
  const stored = document.getElementById("data");
  const bytes = bytesOf(stored.textContent);
  stored.remove(); // the text is as large as all the rest of the page
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const buffer = await new Response(stream).arrayBuffer();
  const length = new DataView(buffer).getUint32(0, true);
  const data = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  for (const [name, about] of Object.entries(data.columns)) {
    data[name] = about.type ? numberColumn(buffer, 4 + length, about) : textColumn(buffer, 4 + length, about);
  }
  data.holds = (row, z) => (data[`mask_${Math.floor((z - 1) / data.bits)}`].at(row) >> (z - 1) % data.bits) & 1;
  data.cellStart = starts(data.cell_sites);
  return data;
};

// Where each cell's sites begin.
const starts = (sizes) => {
  const found = new Uint32Array(sizes.raw.length + 1);
  for (let k = 0; k < sizes.raw.length; k += 1) found[k + 1] = found[k] + sizes.at(k);
  return found;
};
