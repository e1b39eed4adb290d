import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { inspect, promisify } from 'node:util';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { GoneKeys } from '../../../src/core/redaction/gone-keys.js';
import { KeyedClient } from '../../../src/index.js';
import { manualClock } from '../../../src/testing/index.js';
import { PLAIN, QUOTED, SPECIAL } from './encodings.js';
import { REDACTED, redactValue, scrub } from './helpers.js';

const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');
const base64url = (text: string): string => Buffer.from(text, 'latin1').toString('base64url');
const hex = (text: string): string => Buffer.from(text, 'latin1').toString('hex');
const wrapped = (text: string, length: number, end: string): string =>
  text.replace(new RegExp(`.{${length}}(?=.)`, 'g'), (line) => `${line}${end}`);

/** What each encoding of URLs keeps, or does not. */
const PUNCTUATION = "k9-_.!~*'();,/?:@&=+$[]^|`{}%\\#Z0";

/** The forms in which a key is recognised although nobody holds it any more. */
const forms: Record<string, (key: string) => string> = {
  raw: (key) => key,
  'raw in capitals': (key) => key.toUpperCase(),
  encodeURIComponent: (key) => encodeURIComponent(key),
  'encodeURIComponent in small letters': (key) => encodeURIComponent(key).toLowerCase(),
  URLSearchParams: (key) => new URLSearchParams({ k: key }).toString().slice(2),
  'URLSearchParams in small letters': (key) => new URLSearchParams({ k: key }).toString().slice(2).toLowerCase(),
  encodeURI: (key) => encodeURI(key),
  'the query of a URL': (key) => new URL(`http://h/?k=${encodeURIComponent(key)}`).search.slice(3),
  'RFC 3986': (key) => encodeURIComponent(key).replace(/[!'()*]/g, (char) => `%${hex(char)}`),
  axios: (key) => encodeURIComponent(key).replace(/%(?:3A|24|2C|5B|5D)/g, decodeURIComponent),
  'the query that a URL was given': (key) => {
    const url = new URL('http://h/');
    url.search = `?k=${key}`;
    return url.search.slice(3);
  },
  'every character percent-encoded': (key) => `%${wrapped(hex(key), 2, '%')}`,
  JSON: (key) => JSON.stringify(key).slice(1, -1),
  hex: (key) => hex(key),
  'hex in capitals, with spaces': (key) => wrapped(hex(key), 2, ' ').toUpperCase(),
  'hex in lines': (key) => wrapped(hex(key), 32, '\r\n'),
  'a printed Buffer': (key) => inspect(Buffer.from(key, 'latin1')),
  'a printed Uint8Array': (key) => inspect(new Uint8Array(Buffer.from(key, 'latin1'))),
  'a Uint8Array as JSON': (key) => JSON.stringify(new Uint8Array(Buffer.from(key, 'latin1'))),
  'base64 alone': (key) => base64(key),
  'base64 after one byte': (key) => base64(`:${key}`),
  'base64 after two bytes': (key) => base64(`u:${key}`),
  'base64 amid others': (key) => base64(`user:${key}:more`),
  'base64 in lines': (key) => wrapped(base64(`user:${key}:more`), 8, '\n'),
  base64url: (key) => base64url(key),
  'base64url amid others': (key) => base64url(`?>${key}~~`),
};

const goneAll = (...keys: string[]): GoneKeys => {
  const gone = new GoneKeys();
  for (const key of keys) gone.add(Buffer.from(key, 'latin1'));
  return gone;
};

describe.each([PLAIN, SPECIAL, QUOTED, 'sk_live_0123456789abcdefXYZ', '>>>~~~???+++///', PUNCTUATION])(
  '%s, once gone,',
  (key) => {
    const list = goneAll(key).list();

    it.each(Object.entries(forms))('is recognised: %s', (_name, show) => {
      const text = `"before", ${show(key)} .`;
      const clean = redactValue(text, [], list);
      expect(clean).toContain(REDACTED);
      expect(clean.startsWith('"before"')).toBe(true);
      expect(clean.endsWith(' .')).toBe(true);
      const error = Object.assign(new Error(text), { deep: [{ text }] });
      expect(scrub(error, [], list)).toBe(error);
      expect(error.message).toBe(clean);
      expect(error.deep[0]?.text).toBe(clean);
    });

    it.each(Object.entries(forms))('is told from others: %s', (_name, show) => {
      const text = `"before", ${show(`${key.slice(0, 5)}x${key.slice(6)}`)} .`;
      expect(redactValue(text, [], list)).toBe(text);
    });
  },
);

describe('a client', () => {
  const OLD = 'old+key/with=all%1234';
  const NEW = 'new-key-0987654321';

  const scene = () => {
    const clock = manualClock();
    const store = { key: OLD, asked: 0 };
    const client = new KeyedClient({
      clock,
      ttl: 60_000,
      staleIfError: 0,
      reloadCooldown: 0,
      retry: false,
      keyProvider: {
        name: 'own',
        load: () => Promise.resolve({ bytes: Buffer.from(store.key), version: String(++store.asked) }),
      },
    });
    const call = (): Promise<number> => client.withKey(({ apiKey }) => Promise.resolve(apiKey.length));
    const shown = (key: string): string =>
      Object.values(forms)
        .map((show) => show(key))
        .join(' | ');
    const expectHidden = (key: string): void => {
      const parts = client.redact(shown(key)).split(' | ');
      expect(parts.filter((part) => !part.includes(REDACTED))).toEqual([]);
    };
    return { client, clock, store, call, expectHidden };
  };

  it('hides the old key from the log of a call that began before it was replaced', async () => {
    const { client, store } = scene();
    let go = (): void => undefined;
    const gate = new Promise<void>((resolve) => void (go = resolve));
    const logged: unknown[] = [];
    const late = client.withKey(async ({ apiKey }) => {
      await gate;
      logged.push(client.redact({ url: `/p?k=${encodeURIComponent(apiKey)}`, apiKey }));
      throw new Error(`failed with ${apiKey}`);
    });
    const first = client.withKey(async ({ apiKey }) => {
      store.key = NEW;
      await client.reload();
      logged.push(client.redact([apiKey, NEW]));
    });
    await first;
    go();
    const error = await late.catch((reason: unknown) => reason);
    expect(logged).toEqual([[REDACTED, REDACTED], { url: `/p?k=${REDACTED}`, apiKey: REDACTED }]);
    expect((error as Error).message).toBe(`failed with ${REDACTED}`);
    await client.close();
  });

  it('hides a key after it was evicted', async () => {
    const { client, call, expectHidden } = scene();
    await call();
    client.evict();
    expectHidden(OLD);
    await client.close();
  });

  it('hides a key after it has expired', async () => {
    const { client, clock, call, expectHidden } = scene();
    await call();
    await clock.advance(120_000);
    expect(client.status().state).not.toBe('fresh');
    expectHidden(OLD);
    await client.close();
  });

  it('hides every key after it was closed', async () => {
    const { client, store, call, expectHidden } = scene();
    await call();
    store.key = NEW;
    await client.reload();
    await call();
    await client.close();
    expectHidden(OLD);
    expectHidden(NEW);
    const nothing = { list: ['nothing of a key'] };
    expect(client.redact(nothing)).toBe(nothing);
  });

  it('hides a key that was loaded and never used', async () => {
    const { client, expectHidden } = scene();
    await client.prefetch();
    client.evict();
    expectHidden(OLD);
    await client.close();
  });
});

describe('of the keys that are gone', () => {
  const keys = Array.from({ length: 17 }, (_none, index) => `key-number-${index}-${'x'.repeat(index)}`);

  it('the last sixteen are recognised, the one before is forgotten', () => {
    const list = goneAll(...keys).list();
    for (const key of keys.slice(1)) expect(redactValue(`/p?k=${key}&a=b`, [], list)).toBe(`/p?k=${REDACTED}&a=b`);
    expect(redactValue(`/p?k=${String(keys[0])}&a=b`, [], list)).toBe(`/p?k=${String(keys[0])}&a=b`);
  });

  it('there is nothing to know before one is gone', () => {
    expect(goneAll().list()).toEqual([]);
    const known = goneAll(PLAIN).list();
    expect(known.length).toBeGreaterThan(5);
    expect(known.filter(({ length, digest }) => !(length >= 8) || digest.length !== 4)).toEqual([]);
  });

  it('one takes the digits around it in base64, and nothing around it as it is or in hex', () => {
    const list = goneAll(PLAIN).list();
    expect(redactValue(`Basic ${base64(`user:${PLAIN}:more`)}, b`, [], list)).toBe(`Basic ${REDACTED}, b`);
    expect(redactValue(`ab${PLAIN}ab`, [], list)).toBe(`ab${REDACTED}ab`);
    expect(redactValue(`ab${hex(PLAIN)}ab`, [], list)).toBe(`ab${REDACTED}ab`);
  });

  it('one that goes again counts once', () => {
    const gone = goneAll(...keys.slice(0, 16));
    for (let time = 0; time < 20; time++) gone.add(Buffer.from(String(keys[5])));
    for (const key of keys.slice(0, 16)) expect(redactValue(key, [], gone.list())).toBe(REDACTED);
    const two = goneAll(PLAIN, SPECIAL);
    for (let time = 0; time < 20; time++) two.add(Buffer.from(PLAIN));
    for (const key of keys.slice(0, 14)) two.add(Buffer.from(key));
    for (const key of [PLAIN, SPECIAL, ...keys.slice(0, 14)]) expect(redactValue(key, [], two.list())).toBe(REDACTED);
  });

  it('none is kept: neither a form nor a part of one can be read from what is', () => {
    const gone = goneAll(SPECIAL, PLAIN);
    const kept = gone
      .list()
      .map(({ digest, hash }) => `${digest}${String.fromCharCode(hash)}`)
      .join('');
    for (const key of [SPECIAL, PLAIN]) {
      for (const show of Object.values(forms)) {
        const form = show(key);
        for (let at = 0; at + 6 <= form.length; at++) expect(kept).not.toContain(form.slice(at, at + 6));
      }
    }
  });

  it('none is found in 10 MB of other text', { timeout: 60_000 }, () => {
    const list = goneAll(...keys).list();
    const words = randomBytes(200_000).reduce((text, byte) => `${text}${['gold', 'price', 'XAU', 'key'][byte & 3]}${byte} `, '');
    for (let round = 0; round < 4; round++) {
      for (const text of [randomBytes(700_000).toString('base64'), randomBytes(500_000).toString('hex'), words.slice(0, 1e6)]) {
        expect(redactValue(text.slice(0, 1_000_000), [], list) === text.slice(0, 1_000_000)).toBe(true);
      }
    }
  }); // prettier-ignore

  it('sixteen take 4 KB at most', { timeout: 60_000 }, async () => {
    const source = new URL('../../../src/core/redaction/gone-keys.ts', import.meta.url).pathname;
    const { outputFiles } = await build({ entryPoints: [source], bundle: true, platform: 'node', format: 'cjs', write: false });
    const program = `${outputFiles[0]?.text ?? ''}
      const Keys = module.exports.GoneKeys;
      const { randomBytes } = require('node:crypto');
      const held = () => { for (let i = 0; i < 4; i++) gc(); const { heapUsed, arrayBuffers } = process.memoryUsage(); return heapUsed + arrayBuffers; };
      const make = () => { const gone = new Keys(); for (let i = 0; i < 20; i++) gone.add(Buffer.from('sk_live+' + randomBytes(18).toString('base64'))); return gone; };
      const all = [make()];
      const before = held();
      for (let i = 0; i < 200; i++) all.push(make());
      console.log((held() - before) / 200);`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '-e', program]);
    expect(Number(stdout)).toBeGreaterThan(1_000);
    expect(Number(stdout)).toBeLessThanOrEqual(4_096);
  }); // prettier-ignore
});
