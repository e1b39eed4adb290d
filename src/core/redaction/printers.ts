import { readProperty } from '../util/safe-access.js';
import { nodeInspect } from '../util/node-builtins.js';

/** Methods by which a value tells how it is printed. They may show what no search of its properties finds. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');
const NAMES: readonly PropertyKey[] = ['toJSON', INSPECT, 'toString', 'valueOf', Symbol.toPrimitive];
/** Properties that printing reads. */
const READ: readonly PropertyKey[] = [Symbol.toStringTag, 'constructor', 'name', 'message', 'stack', 'cause', 'errors'];

type Printer = (this: unknown, ...args: unknown[]) => unknown;

let builtIn: ReadonlySet<unknown> | undefined;

/** Lists the methods of a value that print it, without those of JavaScript and Node.js themselves. */
export function listPrinters(value: object): Array<[name: PropertyKey, printer: Printer]> {
  const found: Array<[PropertyKey, Printer]> = [];
  for (const name of NAMES) {
    const printer = readProperty(value, name);
    if (typeof printer === 'function' && !(builtIn ??= listBuiltIn()).has(printer))
      found.push([name, printer as Printer]);
  }
  return found;
}

/** Calls such a method as a printer would. */
export function callPrinter(value: object, name: PropertyKey, printer: Printer): unknown {
  if (name === INSPECT) return printer.call(value, 2, { stylize: String, depth: 2 }, nodeInspect());
  return printer.call(value, name === Symbol.toPrimitive ? 'string' : '');
}

/** Covers whatever of a copy throws when it is printed: it may lack the private state of the original. */
export function mendPrinting(copy: object): void {
  for (const name of READ) if (throws(() => (copy as Record<PropertyKey, unknown>)[name])) cover(copy, name, undefined);
  for (const [name, printer] of listPrinters(copy)) {
    if (throws(() => callPrinter(copy, name, printer))) cover(copy, name, findDefault(copy, name));
  }
}

/** Defines a property that does not show in a listing. */
export function cover(target: object, name: PropertyKey, value: unknown): boolean {
  return Reflect.defineProperty(target, name, { value, enumerable: false, writable: true, configurable: true });
}

function findDefault(copy: object, name: PropertyKey): unknown {
  if (name === 'toString') return copy instanceof Error ? Error.prototype.toString : Object.prototype.toString;
  return name === 'valueOf' ? Object.prototype.valueOf : undefined;
}

/** Lists the methods of the kinds that are told apart. A global that Node.js loads when it is first read is not worth it. */
function listBuiltIn(): ReadonlySet<unknown> {
  const types = [Object, Error, Array, Function, Map, Set, Date, RegExp, String, Number, Boolean, Symbol, BigInt];
  const more = [
    URL,
    URLSearchParams,
    Buffer,
    ArrayBuffer,
    Uint8Array,
    Object.getPrototypeOf(Uint8Array) as typeof Object,
  ];
  return new Set(
    [...types, ...more].flatMap((type) => NAMES.map((name) => readProperty(type.prototype as object, name))),
  );
}

function throws(action: () => unknown): boolean {
  try {
    action();
    return false;
  } catch {
    return true;
  }
}
