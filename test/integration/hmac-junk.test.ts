import { describe, expect, it } from 'vitest';
import { hmacSigner, hmacVerifier, plainSigner, plainVerifier, SignatureError } from '../../src/hmac/index.js';
import { KeyedClient } from '../../src/index.js';
import { memoryKeyProvider } from '../../src/testing/index.js';
import { built, finishedWithout, missing } from '../examples/start-example.js';

const KEY = 'signing-key-00001';
const MANY = 100_000;
const finished = finishedWithout(KEY);

interface Seen {
  readonly reasons: Record<string, number>;
  readonly before: { loads: number; counts: Record<string, number> };
  readonly after: { loads: number; counts: Record<string, number> };
  readonly addedByJunk: number;
  readonly added: number;
  readonly heap: readonly number[];
  readonly state: string;
}

describe.skipIf(!built)(`100,000 junk signatures ${missing}`, () => {
  it.each(['requests', 'webhooks', 'plain'])(
    'of %s cost no load, no mark, no memory and no place in the replay store',
    { timeout: 400_000 },
    async (kind) => {
      const argv = ['--expose-gc', 'test/integration/hmac-junk.mjs', kind, String(MANY)];
      const ran = await finished(argv, { PATH: process.env['PATH'] ?? '' });
      expect(ran).toMatchObject({ code: 0, stderr: '' });
      const { reasons, before, after, addedByJunk, added, heap, state } = JSON.parse(ran.stdout) as Seen;
      const growth = (heap.at(-1) ?? Infinity) - (heap[0] ?? 0);
      console.info(
        `${kind}: ${JSON.stringify(reasons)}; heap ${heap.map((used) => (used / 1e6).toFixed(1)).join(' ')} MB`,
      );

      const known = ['missing', 'malformed', 'expired', 'not-yet-valid', 'mismatch', 'digest', 'unknown-key'];
      expect(Object.keys(reasons).filter((reason) => !known.includes(reason))).toEqual([]);
      expect(Object.values(reasons).reduce((sum, count) => sum + count)).toBe(MANY);
      // They are calls, and nothing else.
      const { calls } = after.counts;
      expect(after).toEqual({ loads: before.loads, counts: { ...before.counts, calls } });
      expect({ state, addedByJunk, added }).toEqual({ state: 'fresh', addedByJunk: 0, added: 1 });
      expect(growth).toBeLessThan(1_000_000);
    },
  );
});

describe('every other value of every byte of a signed request', () => {
  const client = new KeyedClient({ keyProvider: memoryKeyProvider({ current: KEY }) });
  const request = { method: 'POST', url: 'https://api.example/orders?limit=10', body: '{"metal":"XAU"}' };

  it.each([
    ['RFC 9421', hmacSigner(client), hmacVerifier(client, { replay: false })],
    ['the plain headers', plainSigner(client), plainVerifier(client, { replay: false })],
  ] as const)('is refused: %s', { timeout: 200_000 }, async (_what, signer, verifier) => {
    const headers = (await signer.sign(request)) as Record<string, string>;
    const origin = 'https://api.example'.length;
    const parts: [string, string, (changed: string) => object][] = [
      ['method', request.method, (method) => ({ method })],
      ['path and query', request.url.slice(origin), (target) => ({ url: request.url.slice(0, origin) + target })],
      ['body', request.body, (body) => ({ body })],
    ];
    for (const [name, value] of Object.entries(headers))
      parts.push([name, value, (changed) => ({ headers: { ...headers, [name]: changed } })]);
    await verifier.verify({ ...request, headers });
    const wrong: string[] = [];
    let count = 0;
    for (const [name, text, change] of parts) {
      for (let at = 0; at < text.length; at++) {
        for (let code = 0; code < 256; code++) {
          if (code === text.charCodeAt(at)) continue;
          const changed = text.slice(0, at) + String.fromCharCode(code) + text.slice(at + 1);
          const outcome: unknown = await verifier
            .verify({ ...request, headers, ...change(changed) })
            .catch((e: unknown) => e);
          if (!(outcome instanceof SignatureError)) wrong.push(`${name}: ${changed}: ${String(outcome)}`);
          count++;
        }
      }
    }
    console.info(`${String(count)} requests with one byte changed`);
    expect(wrong).toEqual([]);
    expect(count).toBeGreaterThan(30_000);
  });
});
