import { createHmac } from 'node:crypto';
import { computeSignature } from '../../src/aws/sigv4.js';
import { send, startLoopbackServer, type LoopbackRequest } from '../../src/testing/http/loopback-server.js';

/** The user's access key, and the one of every session. */
export const USER = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'invented-user-secret/+0123456789' };
export const SESSION = { accessKeyId: 'ASIAEXAMPLE', secretAccessKey: 'invented-session-secret/+012345' };
export const SESSION_TOKEN = 'invented-session-token/+0123456789==';
export const SERIAL = 'arn:aws:iam::111122223333:mfa/ada';
export const REGION = 'eu-west-1';

/** The seed of RFC 6238's test vectors. */
const SEED = Buffer.from('12345678901234567890');

/** Returns the code that the device shows: RFC 6238 with six digits. */
export function showCode(epochMs: number, digits = 6): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(epochMs / 30_000)));
  const mac = createHmac('sha1', SEED).update(counter).digest();
  const number = mac.readUInt32BE((mac.at(-1) as number) & 0xf) & 0x7fffffff;
  return String(number % 10 ** digits).padStart(digits, '0');
}

/** STS on loopback: it checks signatures and codes, and takes a code once. */
export async function startFakeSts(now: () => number = Date.now) {
  const used = new Set<string>();
  const requests: Readonly<Record<string, string>>[] = [];
  const state = { failure: undefined as { status: number; code: string } | undefined };
  const answer = (request: LoopbackRequest): { status: number; body: string } => {
    const fields = Object.fromEntries(new URLSearchParams(request.body.toString()));
    requests.push(fields);
    const { Action: action = '', TokenCode: code = '', SerialNumber: serial } = fields;
    const fail = (status: number, name: string, message: string) => ({
      status,
      body: `<ErrorResponse><Error><Type>Sender</Type><Code>${name}</Code><Message>${message}</Message></Error></ErrorResponse>`,
    });
    if (state.failure !== undefined) return fail(state.failure.status, state.failure.code, `quoted: ${code}`);
    if (!isSigned(request)) return fail(403, 'SignatureDoesNotMatch', 'The signature does not match.');
    if (serial !== SERIAL || code !== showCode(now()) || used.has(code)) {
      return fail(403, 'AccessDenied', 'MultiFactorAuthentication failed with invalid MFA one time pass code. ');
    }
    used.add(code);
    const ends = new Date(now() + 3_600_000).toISOString();
    const credentials = `<AccessKeyId>${SESSION.accessKeyId}</AccessKeyId><SecretAccessKey>${SESSION.secretAccessKey}</SecretAccessKey>`;
    const result = `<Credentials>${credentials}<SessionToken>${SESSION_TOKEN}</SessionToken><Expiration>${ends}</Expiration></Credentials>`;
    return { status: 200, body: `<${action}Response><${action}Result>${result}</${action}Result></${action}Response>` };
  };
  const server = await startLoopbackServer(0, async (request, response) => {
    const { status, body } = answer(request);
    send(response, status, { 'content-type': 'text/xml' }, body);
  });
  return {
    url: server.url,
    requests,
    /** Takes a code for used. */
    use: (code: string) => void used.add(code),
    fail(status: number, code: string) {
      state.failure = { status, code };
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/** Tells whether the user's access key signed the request. */
function isSigned({ method, target: path, headers, body }: LoopbackRequest): boolean {
  const authorization = headers['authorization']?.[0] ?? '';
  const [, id, scope = '', names = '', given] =
    /Credential=([^/]+)\/([^,]+), SignedHeaders=([^,]+), Signature=(\w+)/.exec(authorization) ?? [];
  const signed = names.split(';').map((name) => [name, (headers[name] ?? []).join(',')] as const);
  const parts = { method, path, headers: signed, body };
  const date = headers['x-amz-date']?.[0] ?? '';
  const signature = computeSignature(parts, date, scope.split('/'), USER.secretAccessKey);
  return id === USER.accessKeyId && scope.endsWith(`/${REGION}/sts/aws4_request`) && signature === given;
}
