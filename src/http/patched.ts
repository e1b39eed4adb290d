// Mocking and tracing libraries replace these functions. The beginning of a function's source tells Node.js's own from a
// replacement that was there first; afterwards a comparison is enough. An unknown version counts as patched.
const NATIVE: readonly (readonly [find: () => object, name: string, source: string])[] = [
  [http, 'request', 'function request(url, options, cb) {\n  return new ClientRequest(url, options, cb);'],
  [http, 'get', 'function get(url, options, cb) {\n  const req = request(url, options, cb);'],
  [http, 'ClientRequest', 'function ClientRequest(input, options, cb) {\n  OutgoingMessage.call(this);'],
  [http, 'Agent', 'function Agent(options) {\n  if (!(this instanceof Agent))\n    return new Agent(options);'],
  [https, 'request', 'function request(...args) {\n  let options = {};'],
  [https, 'get', 'function get(input, options, cb) {\n  const req = request(input, options, cb);'],
  [https, 'Agent', 'function Agent(options) {\n  if (!(this instanceof Agent))\n    return new Agent(options);'],
  [() => http().Agent.prototype, 'addRequest', 'function addRequest(req, options, port/* legacy */,'],
  [() => http().Agent.prototype, 'createSocket', 'function createSocket(req, options, cb) {'],
  [() => getBuiltins().net.Socket.prototype, 'connect', 'function(...args) {\n  let normalized;'],
];

/** The functions that were there at the last look, and what it found. */
let seen: readonly unknown[] = [];
let wasPatched = true;

/** Returns whether node:http, or what it is made of, has been replaced by other code: by nock, msw or a tracer. */
export function isHttpPatched(): boolean {
  if (seen.length > 0 && NATIVE.every((_, index) => findFunction(index) === seen[index])) return wasPatched;
  const current = NATIVE.map((_, index) => findFunction(index));
  seen = current;
  wasPatched = !NATIVE.every(([, , source], index) => {
    const found = current[index];
    // A proxy has no source, and a function may bring a `toString` of its own.
    return typeof found === 'function' && Function.prototype.toString.call(found).startsWith(source);
  });
  return wasPatched;
}

function findFunction(index: number): unknown {
  const [find, name] = NATIVE[index] as (typeof NATIVE)[number];
  return (find() as Record<string, unknown>)[name];
}

interface Builtins {
  readonly http: typeof import('node:http');
  readonly https: typeof import('node:https');
  readonly net: typeof import('node:net');
}

let builtins: Builtins | undefined;

// Looked at once: each look at a builtin module costs 0.6 us, and every request would take ten.
function getBuiltins(): Builtins {
  return (builtins ??= {
    http: process.getBuiltinModule('node:http'),
    https: process.getBuiltinModule('node:https'),
    net: process.getBuiltinModule('node:net'),
  });
}

function http(): typeof import('node:http') {
  return getBuiltins().http;
}

function https(): typeof import('node:https') {
  return getBuiltins().https;
}
