import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { computeSignature, signHeaders, type AwsCredentials } from '../../src/aws/sigv4.js';

const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const [SERVICE, REGION] = ['service', 'us-east-1'];
const NOW = Date.UTC(2015, 7, 30, 12, 36);
const SCOPE = ['20150830', REGION, SERVICE, 'aws4_request'];

/**
 * The signed requests that AWS publishes, but for those with what goldkey never sends: a query (7 vectors), a path
 * that is signed as it is, which S3 alone does (7), and a session token added after signing (1).
 */
const { vectors } = JSON.parse(readFileSync(new URL('sigv4-vectors.json', import.meta.url), 'utf8')) as {
  vectors: Readonly<Record<string, string>>;
};

/** Reads one of them: header names in lower case, the values of a name that comes twice joined by a comma. */
function parseVector(name: string) {
  const [head = '', body = ''] = (vectors[name] ?? '').split('\n\n');
  const [, method = '', target = ''] = /^(\w+) (.*) HTTP\/1\.1$/m.exec(head) ?? [];
  const headers = new Map<string, string>();
  for (const [, field = '', value = ''] of head.matchAll(/^([\w-]+):([^\n]*(?:\n [^\n]*)*)$/gm)) {
    const key = field.toLowerCase();
    headers.set(key, headers.has(key) ? `${String(headers.get(key))},${value}` : value);
  }
  const authorization = headers.get('authorization');
  headers.delete('authorization');
  // Only what has dot segments goes through a URL: it would encode the other paths, which are signed encoded once more.
  const path = target.includes('/.') ? new URL(`https://example.amazonaws.com${target}`).pathname : target;
  return { method, path, headers, body, authorization };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a signature', () => {
  it.each(Object.keys(vectors))('is that of the vector %s of AWS', (name) => {
    const { method, path, headers, body, authorization } = parseVector(name);
    const sorted = [...headers].toSorted(([a], [b]) => (a < b ? -1 : 1));

    const signature = computeSignature(
      { method, path, headers: sorted, body },
      '20150830T123600Z',
      SCOPE,
      CREDENTIALS.secretAccessKey,
    );

    expect(authorization).toMatch(/Signature=[\da-f]{64}$/);
    expect(signature).toBe(authorization?.slice(-64));
  });

  it('is made with keys that are zeroed at once', () => {
    const spy = vi.spyOn(process.getBuiltinModule('node:crypto'), 'createHmac');

    signHeaders({ service: SERVICE, region: REGION, host: 'h', path: '/', headers: {}, body: '' }, CREDENTIALS, NOW);

    const keys = spy.mock.calls.map(([, key]) => key as Buffer);
    expect(keys.map(({ length }) => length)).toEqual([44, 32, 32, 32, 32]);
    expect(keys.every((key) => key.every((byte) => byte === 0))).toBe(true);
  });
});

describe('the headers of a POST request', () => {
  const posts = Object.keys(vectors).filter((name) => name.startsWith('post-'));

  it.each(posts)('are those of the vector %s of AWS', (name) => {
    const { path, headers, body, authorization } = parseVector(name);
    const {
      host = '',
      'x-amz-date': date,
      'x-amz-security-token': sessionToken,
      ...more
    } = Object.fromEntries(headers);

    const signed = signHeaders(
      { service: SERVICE, region: REGION, host, path, headers: more, body },
      { ...CREDENTIALS, sessionToken },
      NOW,
    );

    expect(signed).toEqual({
      ...more,
      Host: host,
      'X-Amz-Date': date,
      ...(sessionToken === undefined ? {} : { 'X-Amz-Security-Token': sessionToken }),
      Authorization: authorization,
    });
  });

  it("are those of the AWS SDK's signer, whatever is signed", async () => {
    await fc.assert(
      fc.asyncProperty(requests, signers, dates, async (request, signer, date) => {
        const signed = signHeaders(request, signer, date.getTime());

        const { Authorization: authorization, ...sent } = signed;
        expect({ authorization, 'x-amz-date': sent['X-Amz-Date'] }).toEqual(await signBySdk(request, signer, date));
        expect(sent).toMatchObject({ ...request.headers, Host: request.host });
        expect(sent['X-Amz-Security-Token']).toBe(signer.sessionToken);
      }),
      { numRuns: 500 },
    );
  });
});

const LETTERS = [...'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-'];
/** What the SDK leaves out of a signature, or replaces. */
const UNSIGNED =
  /^(?:authorization|cache-control|connection|date|expect|from|host|keep-alive|max-forwards|pragma|referer|te|trailer|transfer-encoding|upgrade|user-agent|x-amz-(?:content-sha256|date|security-token)|x-amzn-trace-id|proxy-.*|sec-.*)$/i;
const visible = fc.string({
  unit: fc.integer({ min: 33, max: 126 }).map((code) => String.fromCharCode(code)),
  minLength: 1,
});
const values = fc.string({ unit: fc.oneof(visible, fc.constantFrom(' ', '  ', '\t', ' \t ')), maxLength: 12 });
const names = fc
  .string({ unit: fc.constantFrom(...LETTERS), minLength: 1, maxLength: 24 })
  .filter((name) => !UNSIGNED.test(name));
const headers = fc
  .uniqueArray(fc.tuple(fc.oneof(names, fc.constantFrom('Content-Type', 'X-Amz-Target', 'content-LENGTH')), values), {
    selector: ([name]) => name.toLowerCase(),
    maxLength: 8,
  })
  .map((entries) => Object.fromEntries(entries));
const requests = fc.record({
  service: fc.constantFrom('kms', 'sts'),
  region: fc.constantFrom(
    'us-east-1',
    'eu-central-1',
    'cn-north-1',
    'us-gov-west-1',
    'us-iso-east-1',
    'eusc-de-east-1',
  ),
  host: fc.oneof(fc.domain(), fc.constantFrom('127.0.0.1:8080', '[::1]:443')),
  path: fc
    .array(fc.oneof(fc.webSegment(), fc.string(), fc.constantFrom('.', '..', '', "!'()*", '%20', 'ሴ')), {
      maxLength: 5,
    })
    .map((segments) => new URL(`https://h/${segments.join('/').replace(/[?#]/g, '')}`).pathname)
    // Node.js 20 leaves the dot segment in `//.a/.`.
    .filter((path) => !/\/\.{1,2}(?:\/|$)/.test(path)),
  headers,
  body: fc.oneof(fc.string({ unit: 'binary' }), fc.json()),
});
const signers = fc.record({
  accessKeyId: fc.string({ unit: fc.constantFrom(...LETTERS.slice(0, -1)), minLength: 1 }),
  secretAccessKey: visible,
  sessionToken: fc.option(visible, { nil: undefined }),
});
const dates = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true });

/** Returns what the AWS SDK's own signer makes of the request. */
async function signBySdk(
  { service, region, host, path, headers: given, body }: Parameters<typeof signHeaders>[0],
  signer: AwsCredentials,
  signingDate: Date,
) {
  const { accessKeyId, secretAccessKey, sessionToken } = signer;
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
  const sdk = new SignatureV4({ service, region, credentials, sha256: Sha256, applyChecksum: false });
  const request = { method: 'POST', protocol: 'https:', hostname: host, path, query: {}, body };
  const signed = await sdk.sign({ ...request, headers: { ...given, host } }, { signingDate });
  return { authorization: signed.headers['authorization'], 'x-amz-date': signed.headers['x-amz-date'] };
}

/** SHA-256, with a secret its HMAC, in the form that the SDK's signer takes. */
class Sha256 {
  readonly #hash;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Buffer);
  }

  update(data: Uint8Array): void {
    this.#hash.update(data);
  }

  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }

  reset(): void {
    throw new Error('A signer makes a hash once.');
  }
}
