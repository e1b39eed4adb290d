// Mocking and tracing libraries replace these functions. The beginning of a function's source tells Node.js's own from a
// replacement that was there first; afterwards a comparison is enough. An unknown version counts as patched.

/** Lists the functions that are looked at. Each by its own line of code, which V8 remembers: by name they take four times as long. */
function listFunctions({ http, https, net }: Builtins): readonly unknown[] {
  const { prototype } = http.Agent as unknown as { prototype: Record<'addRequest' | 'createSocket', unknown> };
  return [
    http.request,
    http.get,
    http.ClientRequest,
    http.Agent,
    https.request,
    https.get,
    https.Agent,
    prototype.addRequest,
    prototype.createSocket,
    net.Socket.prototype.connect,
  ];
}

/** How the source of each begins. */
const SOURCES: readonly string[] = [
  'function request(url, options, cb) {\n  return new ClientRequest(url, options, cb);',
  'function get(url, options, cb) {\n  const req = request(url, options, cb);',
  'function ClientRequest(input, options, cb) {\n  OutgoingMessage.call(this);',
  'function Agent(options) {\n  if (!(this instanceof Agent))\n    return new Agent(options);',
  'function request(...args) {\n  let options = {};',
  'function get(input, options, cb) {\n  const req = request(input, options, cb);',
  'function Agent(options) {\n  if (!(this instanceof Agent))\n    return new Agent(options);',
  'function addRequest(req, options, port/* legacy */,',
  'function createSocket(req, options, cb) {',
  'function(...args) {\n  let normalized;',
];

/** The functions that were there at the last look, and what it found. */
let seen: readonly unknown[] = [];
let wasPatched = true;

/** Returns whether node:http, or what it is made of, has been replaced by other code: by nock, msw or a tracer. */
export function isHttpPatched(): boolean {
  const current = listFunctions(getBuiltins());
  if (isSame(current, seen)) return wasPatched;
  seen = current;
  wasPatched = !SOURCES.every((source, index) => {
    const found = current[index];
    // A proxy has no source, and a function may bring a `toString` of its own.
    return typeof found === 'function' && Function.prototype.toString.call(found).startsWith(source);
  });
  return wasPatched;
}

function isSame(one: readonly unknown[], other: readonly unknown[]): boolean {
  for (let index = 0; index < one.length; index++) if (one[index] !== other[index]) return false;
  return true;
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
