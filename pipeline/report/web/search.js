// From what a person types to a function that says whether a row is wanted.

const ELEMENT = /^[A-Z][a-z]?$/;

const elementTest = (data, z, wanted) => {
  const mask = data[`mask_${Math.floor((z - 1) / data.bits)}`];
  const bit = 2 ** ((z - 1) % data.bits);
  const least = mask.stored(0); // negative: what to take off the stored numbers
  return (k) => (((mask.raw[k] - least) & bit) !== 0) === wanted;
};

// A whole id, and nothing that only begins like it; null where no candidate has it.
const idTest = (data, text) => {
  const lower = text.toLowerCase();
  data.lowerIds ||= data.candidate_id.map((id) => id.toLowerCase());
  data.ids ||= new Set(data.lowerIds);
  return data.ids.has(lower) ? (k) => data.lowerIds[k] === lower : null;
};

// One compound, however it is written; null where no candidate is of it.
const compoundTest = (data, text) => {
  const key = formulaKey(data, text);
  if (!key) return null;
  const keys = formulaKeys(data);
  data.keySet ||= new Set(keys);
  return data.keySet.has(key) ? (k) => keys[k] === key : null;
};

const textTest = (data, text) => {
  const lower = text.toLowerCase();
  data.haystack ||= data.formula.map((formula, k) => `${formula}\n${data.candidate_id[k]}\n${data.source_file[k]}`.toLowerCase());
  return (k) => data.haystack[k].includes(lower);
};

const wordTest = (data, word) => {
  const barred = word.length > 1 && word.startsWith("-");
  const sought = barred ? word.slice(1) : word;
  const z = ELEMENT.test(sought) ? data.symbols.indexOf(sought) + 1 : 0;
  if (z) return elementTest(data, z, !barred);
  const test = idTest(data, sought) || compoundTest(data, sought) || textTest(data, sought);
  return barred ? (k) => !test(k) : test;
};

// An id or a formula, also one with blanks in it; else word by word: Fe Co -O are elements in and out.
const searchTests = (data, query) => {
  const whole = query.trim();
  const words = whole.split(/[\s,]+/).filter(Boolean);
  if (words.length < 2) return words.map((word) => wordTest(data, word));
  const one = idTest(data, whole) || (words.every((word) => ELEMENT.test(word)) ? null : compoundTest(data, words.join("")));
  return one ? [one] : words.map((word) => wordTest(data, word));
};
