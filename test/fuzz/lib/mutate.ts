import type { Random } from './random.js';

/** What mutations are made of. */
export interface Material {
  readonly random: Random;
  /** Texts to put in. */
  readonly words: readonly string[];
  /** Returns an input to mix with. */
  other(): Buffer;
  readonly maxLength: number;
}

const BYTES = [0x00, 0x01, 0x0a, 0x20, 0x22, 0x25, 0x2d, 0x2e, 0x2f, 0x30, 0x39, 0x5c, 0x7f, 0x80, 0xc3, 0xff];
const VALUES: readonly unknown[] = [
  ...[null, true, false, '', ' ', '0', '-1', '1e3', '0x10', 'NaN', [], {}, [[]], [null], { '': '' }],
  ...[0, -0, 1, -1, 0.1, 1e-9, 1e9, 2 ** 31, 2 ** 53, -(2 ** 53), 1e21, 1e308, -1e308, 5e-324],
  ...['__proto__', 'constructor', 'toString', 'length', '\u0000', '\ud800', 'a'.repeat(70), '2026-11-27T12:00:00.000Z'],
];
/** Numbers that JSON can hold and `JSON.stringify` does not write. */
const RAW_NUMBERS = ['1e400', '-0', '1E-400', '0.1000000000000000055511151231257827', '12345678901234567890', '2e+3'];

/** Returns an input that differs from `input` in a few places. */
export function mutate(input: Buffer, material: Material): Buffer {
  const { random, maxLength } = material;
  let changed = input;
  // Mostly one change: of many, one spoils what another has found.
  do {
    const fits = random.oneIn(2) ? mutateJson(changed, material) : undefined;
    changed = fits ?? mutateBytes(changed, material);
  } while (random.oneIn(2));
  return changed.subarray(0, maxLength);
}

function mutateBytes(input: Buffer, { random, words, other, maxLength }: Material): Buffer {
  const { length } = input;
  const at = random.below(length + 1);
  const end = Math.min(length, at + 1 + random.below(random.oneIn(3) ? length + 1 : 8));
  const put = (middle: Uint8Array, to = at): Buffer =>
    Buffer.concat([input.subarray(0, at), middle, input.subarray(to)]);
  switch (random.below(9)) {
    case 0: {
      const byte = (input[at] ?? 0) ^ (1 << random.below(8));
      return put(Buffer.of(byte), at + 1);
    }
    case 1:
      return put(Buffer.of(random.pick(BYTES)), random.oneIn(2) ? at : at + 1);
    case 2:
      return put(
        Buffer.of(random.oneIn(4) ? random.below(256) : 0x20 + random.below(95)),
        random.oneIn(2) ? at : at + 1,
      );
    case 3:
      return put(Buffer.alloc(0), end);
    case 4: {
      // The same again, a few times or to the limit.
      const piece = input.subarray(at, end);
      const times = random.oneIn(8) ? Math.floor((maxLength - length) / Math.max(1, piece.length)) : random.below(4);
      return put(Buffer.concat(Array<Buffer>(Math.max(0, times)).fill(piece)));
    }
    case 5:
      return put(input.subarray(random.below(length + 1)).subarray(0, 1 + random.below(32)), end);
    case 6: {
      const mixed = other();
      return put(mixed.subarray(random.below(mixed.length + 1)), random.oneIn(2) ? length : at);
    }
    default: {
      const word = Buffer.from(words.length === 0 ? '' : random.pick(words));
      return put(word, random.oneIn(2) ? at : end);
    }
  }
}

type Holder = Record<string, unknown> | unknown[];
interface Place {
  readonly holder: Holder;
  readonly name: string;
}

/** Changes the JSON that an input ends with, by its structure. Returns `undefined` if there is none. */
function mutateJson(input: Buffer, material: Material): Buffer | undefined {
  const { random, other } = material;
  const found = parseEnd(input);
  if (found === undefined) return undefined;
  const root = [found.value];
  const places = listPlaces(root);
  const place = random.pick(places);
  const { holder, name } = place;
  const value = read(place);
  const draw = (): unknown => drawValue(material, places);
  switch (random.below(10)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(name), 1);
      else delete holder[name];
      break;
    case 1:
      if (Array.isArray(value)) value.push(...value.slice(0, 20), draw());
      else if (isHolder(value)) write(value, drawName(material), draw());
      else write(holder, name, draw());
      break;
    case 2:
      write(holder, name, random.oneIn(2) ? [value] : { [drawName(material)]: value });
      break;
    case 3:
      if (!Array.isArray(holder)) {
        // Moved to another name, or there as well.
        if (random.oneIn(2)) delete holder[name];
        write(holder, drawName(material), value);
      } else write(holder, name, draw());
      break;
    case 4: {
      const second = random.pick(places);
      const kept = read(second);
      // A value that moves into itself would have no end.
      write(second.holder, second.name, structuredClone(value));
      write(holder, name, structuredClone(kept));
      break;
    }
    case 5: {
      const mixed = parseEnd(other());
      write(holder, name, mixed === undefined ? draw() : read(random.pick(listPlaces([mixed.value]))));
      break;
    }
    case 6:
    case 7:
      write(holder, name, changeScalar(value, material) ?? draw());
      break;
    default:
      write(holder, name, draw());
  }
  let json = JSON.stringify(root[0]) ?? '';
  if (random.oneIn(8)) json = json.replace(/-?\d+(?:\.\d+)?/, random.pick(RAW_NUMBERS));
  // A name twice in one object.
  if (random.oneIn(16)) json = json.replace(/\{("[^"]*":"[^"]*"),/, '{$1,$1,');
  return Buffer.concat([input.subarray(0, found.start), Buffer.from(json)]);
}

function parseEnd(input: Buffer): { readonly start: number; readonly value: unknown } | undefined {
  const start = input.findIndex((byte) => byte === 0x7b || byte === 0x5b);
  if (start < 0) return undefined;
  try {
    return { start, value: JSON.parse(input.toString('utf8', start)) };
  } catch {
    return undefined;
  }
}

function isHolder(value: unknown): value is Holder {
  return typeof value === 'object' && value !== null;
}

/** Lists where values stand, at most a few hundred. */
function listPlaces(root: unknown[]): Place[] {
  const places: Place[] = [{ holder: root, name: '0' }];
  for (let index = 0; index < places.length && places.length < 400; index++) {
    const value = read(places[index] as Place);
    if (isHolder(value)) places.push(...Object.keys(value).map((name) => ({ holder: value, name })));
  }
  return places;
}

function read({ holder, name }: Place): unknown {
  return Object.hasOwn(holder, name) ? (holder as Record<string, unknown>)[name] : undefined;
}

/** Sets a member, `__proto__` too. */
function write(holder: Holder, name: string, value: unknown): void {
  Object.defineProperty(holder, name, { value, writable: true, enumerable: true, configurable: true });
}

function drawName({ random, words }: Material): string {
  return random.oneIn(6) || words.length === 0
    ? random.pick(['__proto__', 'constructor', '', '0', '10'])
    : random.pick(words);
}

function drawValue({ random, words }: Material, places: readonly Place[]): unknown {
  if (random.oneIn(4) && words.length > 0) return random.pick(words);
  return random.oneIn(4) ? structuredClone(read(random.pick(places))) : structuredClone(random.pick(VALUES));
}

/** Returns a neighbour of a number or a text. */
function changeScalar(value: unknown, material: Material): unknown {
  const { random } = material;
  if (typeof value === 'number') {
    const ways = [
      -value,
      value + 1,
      value - 1,
      value * 10 ** (random.below(40) - 20),
      Math.trunc(value),
      String(value),
    ];
    return random.pick(ways);
  }
  if (typeof value !== 'string') return undefined;
  if (random.oneIn(8) && value.trim() !== '' && !Number.isNaN(Number(value))) return Number(value);
  return mutateBytes(Buffer.from(value), material).toString();
}
