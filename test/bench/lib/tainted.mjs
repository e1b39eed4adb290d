const ENTRIES = 10_000;
const MB = 1_048_576;

const base64 = (text) => Buffer.from(text).toString('base64');
const hex = (char) => char.charCodeAt(0).toString(16);
const encoders = [
  (key) => key,
  encodeURIComponent,
  base64,
  (key) => Buffer.from(key).toString('hex'),
  (key) => `Basic ${base64(`user:${key}`)}`,
  (key) => Buffer.from(key).join(', '),
  (key) => [...key].map((char) => `%${hex(char)}`).join(''),
  (key) => [...key].map((char) => `\\u00${hex(char)}`).join(''),
];

/** What an HTTP client, a price API or an attacker may leave on an error: of each kind ten thousand entries with the key. */
export function taintedContainers(key) {
  const times = (count, make) => Array.from({ length: count }, (_none, index) => make(index));
  const text = (index) => `${index} ${encoders[index % encoders.length](key)}`;
  /** All names are alike when the key is gone from them. */
  const alike = (index) => [...key].map((char, at) => ((index >> at) & 1 ? `%${hex(char)}` : char)).join('');
  const pairs = (count) => times(count, (index) => [text(index), text(index)]);
  const errors = (count) => times(count, (index) => new Error(text(index)));
  const fill = (part) => part.repeat(Math.floor(MB / part.length));
  const inherited = (index) => Object.create({ inherited: text(index) });
  return {
    'property names': () => Object.fromEntries(pairs(ENTRIES)),
    'property names alike': () => Object.fromEntries(times(ENTRIES, (index) => [alike(index), index])),
    symbols: () => Object.fromEntries(times(ENTRIES, (index) => [Symbol(text(index)), text(index)])),
    accessors: () =>
      Object.defineProperties(
        {},
        Object.fromEntries(times(ENTRIES, (index) => [index, { get: () => text(index), enumerable: true }])),
      ),
    'fields of a prototype': () => Object.create(Object.fromEntries(pairs(ENTRIES))),
    'objects with a prototype each': () => times(ENTRIES, inherited),
    'a chain of prototypes': () =>
      times(ENTRIES, text).reduce((proto, value) => Object.create(proto, { own: { value } }), {}),
    'an array': () => times(ENTRIES, text),
    'a sparse array': () =>
      Object.assign([], Object.fromEntries(times(ENTRIES, (index) => [index * 400_000, text(index)]))),
    'nested arrays': () => times(100, () => times(100, (index) => [[text(index)]])),
    objects: () => times(ENTRIES, (index) => ({ text: text(index) })),
    'a Map': () => new Map(pairs(ENTRIES)),
    'a Map of names alike': () => new Map(times(ENTRIES, (index) => [alike(index), index])),
    'a Set': () => new Set(times(ENTRIES, text)),
    Headers: () => new Headers(times(ENTRIES, (index) => [`x-${index}`, text(index)])),
    URLSearchParams: () => new URLSearchParams(pairs(ENTRIES)),
    Buffers: () => times(ENTRIES, (index) => Buffer.from(text(index))),
    'lists of bytes': () => times(ENTRIES, () => [...Buffer.from(key)]),
    numbers: () => times(ENTRIES, (index) => 12_345_678_901 + index),
    'an error with names': () => Object.assign(new Error(key), Object.fromEntries(pairs(ENTRIES))),
    'an AggregateError of 1,000': () => new AggregateError(errors(1_000), key),
    'an AggregateError of frozen errors': () => new AggregateError(errors(1_000).map(Object.freeze), key),
    'a chain of 1,000 causes': () => errors(1_000).reduce((cause, error) => Object.assign(error, { cause })),
    Responses: () => times(1_000, (index) => new Response('', { headers: { text: text(index) } })),
    '1 MB of keys': () => fill(`${key} `),
    '1 MB of keys in all encodings': () => fill(`${times(encoders.length, text).join(' ')} `),
    '1 MB of almost the key': () => fill(`${key.slice(0, -1)}~`),
    '1 MB of ends of the key': () => fill(`${key.slice(-9)} `),
    '1 MB of ends of its hex': () => fill(`${Buffer.from(key).toString('hex').slice(-8)}   `),
    '1 MB of percent signs': () => fill('%'),
    '1 MB of encoded percent signs': () => fill('%25'),
    '1 MB of backslashes': () => fill('\\'),
    '1 MB of words': () => fill('a price of gold, '),
    '1 MB of bytes': () => Buffer.alloc(MB, key),
  };
}
