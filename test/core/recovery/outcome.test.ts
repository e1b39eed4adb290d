import { Readable } from 'node:stream';
import { Response as NodeFetchResponse } from 'node-fetch';
import { describe, expect, it } from 'vitest';
import { GoldKeyError, type Outcome } from '../../../src/index.js';
import {
  cancelBody,
  isResponse,
  isTransientFailure,
  isUnauthorized,
  readRetryAfter,
} from '../../../src/core/recovery/outcome.js';
import { PriceApiError } from '../../../src/prices/index.js';

const NOW = Date.parse('2026-01-01T00:00:00Z');

/** An error whose causes, all the way down, end in `last`: `links` of them stand before it. */
function chain(links: number, last: unknown): unknown {
  let error = last;
  for (let link = 0; link < links; link++) error = new Error('above', { cause: error });
  return error;
}

/** What throws whatever is read from it. */
const sullen = (): object =>
  new Proxy(
    {},
    {
      get: () => {
        throw new Error('not for you');
      },
    },
  );

const places = (status: unknown): Array<[string, object]> => [
  ['status', { status }],
  ['statusCode', { statusCode: status }],
  ['response.status', { response: { status } }],
  ['response.statusCode', { response: { statusCode: status } }],
  ['$metadata.httpStatusCode', { $metadata: { httpStatusCode: status } }],
];

const nothings: unknown[] = [undefined, null, 401, 503, '401', true, Symbol('s'), {}, [], new Error('401'), () => 401];

describe('a refusal', () => {
  it.each(places(401))('is 401 in %s of what was thrown', (_place, error) => {
    expect(isUnauthorized({ error })).toBe(true);
    expect(isUnauthorized({ error: chain(3, error) })).toBe(true);
  });

  it.each(places(403))('is no other status in %s', (_place, error) => {
    expect(isUnauthorized({ error })).toBe(false);
  });

  it('is none in the text 401, or in what is no error', () => {
    for (const [, error] of places('401')) expect(isUnauthorized({ error })).toBe(false);
    for (const error of nothings) expect(isUnauthorized({ error })).toBe(false);
    expect(isUnauthorized({ error: Object.assign(() => 0, { status: 401 }) })).toBe(false);
  });

  it('is looked for in sixteen errors of a chain, and no further', () => {
    expect(isUnauthorized({ error: chain(15, { status: 401 }) })).toBe(true);
    expect(isUnauthorized({ error: chain(16, { status: 401 }) })).toBe(false);
  });

  it('is looked for once in a chain that leads back to itself', () => {
    const error = new Error('round');
    error.cause = new Error('and round', { cause: error });
    expect(isUnauthorized({ error })).toBe(false);
  });

  it('is a returned Response with 401, and nothing else that was returned', () => {
    expect(isUnauthorized({ result: new Response('', { status: 401 }) })).toBe(true);
    expect(isUnauthorized({ result: new NodeFetchResponse('', { status: 401 }) })).toBe(true);
    expect(isUnauthorized({ result: new Response('', { status: 403 }) })).toBe(false);
    for (const result of [{ status: 401 }, { error: { status: 401 } }, ...nothings]) {
      expect(isUnauthorized({ result })).toBe(false);
    }
  });

  it('is none where looking throws', () => {
    expect(isUnauthorized({ error: sullen() })).toBe(false);
    expect(isUnauthorized({ error: chain(2, sullen()) })).toBe(false);
    expect(isUnauthorized({ result: sullen() })).toBe(false);
    const half = Object.defineProperty({ statusCode: 401 }, 'status', {
      get: () => {
        throw new Error('not for you');
      },
    });
    expect(isUnauthorized({ error: half })).toBe(true);
  });
});

describe('a fault that may pass', () => {
  const transient = [408, 425, 429, 500, 502, 503, 504];
  const codes = [
    ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'ESOCKETTIMEDOUT', 'EHOSTUNREACH'],
    ...['EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_SOCKET'],
    ...['UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'],
  ];

  it.each(transient)('is the status %d, thrown or returned', (status) => {
    for (const [, error] of places(status)) expect(isTransientFailure({ error })).toBe(true);
    expect(isTransientFailure({ result: new Response('', { status }) })).toBe(true);
  });

  it.each([200, 301, 400, 401, 403, 404, 409, 501, 505])('is not the status %d', (status) => {
    for (const [, error] of places(status)) expect(isTransientFailure({ error })).toBe(false);
    expect(isTransientFailure({ result: new Response('', { status }) })).toBe(false);
  });

  it.each(codes)('is the code %s, also further down', (code) => {
    expect(isTransientFailure({ error: { code } })).toBe(true);
    expect(isTransientFailure({ error: chain(2, { code }) })).toBe(true);
  });

  it('is no other code, and nothing that says neither', () => {
    for (const code of ['ERR_INVALID_URL', 'EACCES', '', 503, undefined]) {
      expect(isTransientFailure({ error: { code } })).toBe(false);
    }
    for (const value of nothings) {
      expect(isTransientFailure({ error: value })).toBe(false);
      expect(isTransientFailure({ result: value })).toBe(false);
    }
    expect(isTransientFailure({ result: { status: 503, code: 'EPIPE' } })).toBe(false);
  });

  it('is for an error of our price APIs what that says of itself', () => {
    const error = (kind: 'transient' | 'bad-request', status: number): PriceApiError =>
      new PriceApiError('no price', { kind, source: 'metals-api', status });
    expect(isTransientFailure({ error: error('transient', 200) })).toBe(true);
    expect(isTransientFailure({ error: error('bad-request', 503) })).toBe(false);
    expect(isTransientFailure({ error: chain(1, error('transient', 200)) })).toBe(true);
  });
});

describe('what is asked to be waited', () => {
  const headers = (value: unknown): object => ({ headers: { 'retry-after': value } });
  const after = (outcome: Outcome): number | undefined => readRetryAfter(outcome, NOW);

  it.each<[string, (value: string) => Outcome]>([
    ['a returned Response', (value) => ({ result: new Response('', { headers: { 'Retry-After': value } }) })],
    ['what was thrown', (value) => ({ error: headers(value) })],
    ['the response of what was thrown', (value) => ({ error: { response: headers(value) } })],
    ['a Map of headers', (value) => ({ error: { headers: new Map([['retry-after', value]]) } })],
  ])('is read from the headers of %s', (_name, make) => {
    expect(after(make('7'))).toBe(7_000);
    expect(after(make('Thu, 01 Jan 2026 00:00:30 GMT'))).toBe(30_000);
    expect(after(make('soon'))).toBeUndefined();
  });

  it.each<[unknown, number | undefined]>([
    ['0', 0],
    ['1.0005', 1_001],
    ['-3', 0],
    [2, 2_000],
    ['', undefined],
    ['Infinity', undefined],
    [Number.NaN, undefined],
    [undefined, undefined],
    [null, undefined],
    [['7'], undefined],
    ['Wed, 31 Dec 2025 23:59:59 GMT', 0],
  ])('in %j is %s ms', (value, expected) => {
    expect(after({ error: headers(value) })).toBe(expected);
  });

  it('is what comes first: of the result, of the error, of its response', () => {
    const error = { ...headers('2'), response: headers('3') };
    expect(after({ error, result: headers('1') })).toBe(1_000);
    expect(after({ error })).toBe(2_000);
  });

  it('is for an error of ours what that says, and not what its headers do', () => {
    const error = new GoldKeyError('refused', { retryAfter: 250 });
    expect(after({ error })).toBe(250);
    expect(after({ error: Object.assign(new GoldKeyError('refused', {}), headers('7')) })).toBeUndefined();
  });

  it('is nothing where nothing is said, or looking throws', () => {
    for (const value of [...nothings, { headers: undefined }, { headers: 'retry-after: 7' }, { response: null }]) {
      expect(after({ error: value })).toBeUndefined();
      expect(after({ result: value })).toBeUndefined();
    }
    const get = (): never => {
      throw new Error('not for you');
    };
    expect(after({ error: { headers: { get, 'retry-after': '7' } } })).toBeUndefined();
    expect(after({ error: sullen() })).toBeUndefined();
  });
});

describe('a Response', () => {
  it('is known by its tag, whoever made it', () => {
    expect(isResponse(new Response(''))).toBe(true);
    expect(isResponse(new NodeFetchResponse(''))).toBe(true);
    for (const value of [new Request('http://h/'), new Map(), sullen(), ...nothings])
      expect(isResponse(value)).toBe(false);
  });
});

describe('a body that nobody will read', () => {
  const settled = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

  it('is cancelled', async () => {
    const ends: unknown[] = [];
    const response = new Response(new ReadableStream({ cancel: (reason) => void ends.push(reason) }));
    cancelBody(response);
    await settled();
    expect(ends).toHaveLength(1);
  });

  it('is destroyed where it is a stream of Node.js', async () => {
    const body = Readable.from(['a body']);
    cancelBody(new NodeFetchResponse(body));
    await settled();
    expect(body.destroyed).toBe(true);
  });

  it('is left alone once it is read', async () => {
    const response = new Response('a body');
    const text = response.text();
    cancelBody(response);
    expect(await text).toBe('a body');
    let cancelled = 0;
    const body = { cancel: () => void (cancelled += 1) };
    for (const bodyUsed of [true, false]) cancelBody({ [Symbol.toStringTag]: 'Response', bodyUsed, body });
    await settled();
    expect(cancelled).toBe(1);
  });

  it('is left to its reader when it has one', async () => {
    const response = new Response('a body');
    const reader = response.body?.getReader();
    cancelBody(response);
    await settled();
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('a body');
  });

  it('may be missing, or be none at all', async () => {
    let cancelled = 0;
    const cancel = (): void => void (cancelled += 1);
    cancelBody(new Response(null, { status: 204 }));
    for (const body of [undefined, null, 'a body', {}]) cancelBody({ [Symbol.toStringTag]: 'Response', body });
    for (const value of [...nothings, { body: { cancel } }]) cancelBody(value);
    await settled();
    expect(cancelled).toBe(0);
  });

  it('that does not let itself be cancelled harms nobody', async () => {
    const cancel = async (): Promise<never> => {
      throw new Error('no');
    };
    const destroy = (): never => {
      throw new Error('no');
    };
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    for (const body of [{ cancel }, { destroy }]) cancelBody({ [Symbol.toStringTag]: 'Response', body });
    await settled();
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });
});
