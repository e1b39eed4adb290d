import { DecryptCommand, DescribeKeyCommand, type KMSClient, type KMSClientConfig } from '@aws-sdk/client-kms';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type FakeKms, startFakeKms } from '../../../src/testing/fake-kms/server.js';
import { catchError, kmsClient, post } from './client.js';

const credentials = { accessKeyId: 'AKIDINVENTED', secretAccessKey: 'an-invented-secret-access-key' };
const FIVE_MINUTES = 300_000;

let kms: FakeKms;
const clients: KMSClient[] = [];

beforeAll(async () => {
  kms = await startFakeKms({ credentials });
});
afterEach(() => {
  kms.reset();
  for (const client of clients.splice(0)) client.destroy();
});
afterAll(() => kms.close());

interface Sent {
  headers: Record<string, string>;
  body: string | Uint8Array;
}

/** A client whose request `tamper` changes after it has been signed. */
function signing(config: KMSClientConfig = {}, tamper: (request: Sent) => void = () => undefined): KMSClient {
  const client = kmsClient(kms.url, { credentials, ...config });
  client.middlewareStack.addRelativeTo(
    <A extends { request: unknown }, O>(next: (args: A) => Promise<O>) =>
      async (args: A): Promise<O> => {
        tamper(args.request as Sent);
        return await next(args);
      },
    { relation: 'after', toMiddleware: 'httpSigningMiddleware', name: 'tamper' },
  );
  clients.push(client);
  return client;
}

function describeKey(client: KMSClient): Promise<unknown> {
  return client.send(new DescribeKeyCommand({ KeyId: kms.keyArn }));
}

describe('a fake KMS with credentials', () => {
  it("accepts the SDK's signature", async () => {
    const CiphertextBlob = Buffer.from(kms.encrypt('an-invented-api-key', {}), 'base64');
    const answer = await signing().send(new DecryptCommand({ CiphertextBlob }));
    expect(Buffer.from(answer.Plaintext ?? []).toString()).toBe('an-invented-api-key');
  });

  it('accepts temporary credentials, whose token is signed', async () => {
    await describeKey(signing({ credentials: { ...credentials, sessionToken: 'an/invented+session=token' } }));
    expect(kms.requests).toMatchObject([{ status: 200 }]);
  });

  it('refuses a signature by another secret, or over another body, token or target', async () => {
    const other = { ...credentials, secretAccessKey: 'another-secret-access-key' };
    const token = { credentials: { ...credentials, sessionToken: 'a-token' } };
    const tampered = [
      signing({ credentials: other }),
      signing({}, (request) => {
        request.body = Buffer.concat([request.body as Uint8Array])
          .toString()
          .replace('key/', 'kez/');
      }),
      signing(token, (request) => {
        request.headers['x-amz-security-token'] = 'b-token';
      }),
      signing({}, (request) => {
        request.headers['x-amz-target'] = 'TrentService.DisableKey';
      }),
      signing({}, (request) => {
        const signature = request.headers['authorization'] ?? '';
        request.headers['authorization'] = `${signature.slice(0, -1)}${signature.endsWith('0') ? '1' : '0'}`;
      }),
      signing({}, (request) => {
        request.headers['authorization'] = (request.headers['authorization'] ?? '').slice(0, -2);
      }),
    ];
    for (const client of tampered) {
      const error = await catchError(describeKey(client));
      expect(error).toMatchObject({ name: 'InvalidSignatureException', $metadata: { httpStatusCode: 400 } });
      expect(error.message).toContain('does not match the signature you provided');
    }
  });

  it('refuses a session token, or any other x-amz header, that is not signed', async () => {
    const client = signing({}, (request) => {
      request.headers['x-amz-security-token'] = 'a-token';
    });
    const error = await catchError(describeKey(client));
    expect(error.name).toBe('InvalidSignatureException');
    expect(error.message).toContain("'x-amz-security-token' must be a 'SignedHeader'");
  });

  it('refuses an access key it does not know', async () => {
    const client = signing({ credentials: { ...credentials, accessKeyId: 'AKIDFOREIGN' } });
    expect(await catchError(describeKey(client))).toMatchObject({ name: 'UnrecognizedClientException' });
  });

  it("refuses another region's and another service's scope", async () => {
    const abroad = await catchError(describeKey(signing({ region: 'eu-west-1' })));
    expect(abroad).toMatchObject({ name: 'InvalidSignatureException' });
    expect(abroad.message).toContain('valid region');
    const service = signing({}, (request) => {
      request.headers['authorization'] = (request.headers['authorization'] ?? '').replace('/kms/', '/s3/');
    });
    expect((await catchError(describeKey(service))).message).toContain("correct service: 'kms'");
  });

  it('refuses a date more than five minutes off either way, and takes one inside', async () => {
    const past = await catchError(describeKey(signing({ systemClockOffset: -FIVE_MINUTES - 5_000 })));
    expect(past.name).toBe('InvalidSignatureException');
    expect(past.message).toMatch(/^Signature expired: \d{8}T\d{6}Z is now earlier than \d{8}T\d{6}Z \(.*- 5 min\.\)$/);
    const future = await catchError(describeKey(signing({ systemClockOffset: FIVE_MINUTES + 5_000 })));
    expect(future.message).toMatch(/^Signature not yet current: /);
    await describeKey(signing({ systemClockOffset: -FIVE_MINUTES + 5_000 }));
    await describeKey(signing({ systemClockOffset: FIVE_MINUTES - 5_000 }));
  });

  it("lets the SDK's clock correction find the right time", async () => {
    await describeKey(signing({ systemClockOffset: -2 * FIVE_MINUTES, maxAttempts: 2 }));
    expect(kms.requests.map(({ status }) => status)).toEqual([400, 200]);
  });

  it('tells a missing signature from an incomplete one', async () => {
    const none = await post(kms.url, 'TrentService.DescribeKey', '{}');
    expect(none).toMatchObject({ status: 400, body: { __type: 'MissingAuthenticationTokenException' } });
    const incomplete: ((request: Sent) => void)[] = [
      (request) => {
        request.headers['authorization'] = 'Bearer something';
      },
      (request) => {
        request.headers['authorization'] = (request.headers['authorization'] ?? '').replace(/Signature=.*/, '');
      },
      (request) => {
        request.headers['authorization'] = (request.headers['authorization'] ?? '').replace('/aws4_request', '');
      },
      (request) => {
        delete request.headers['x-amz-date'];
      },
    ];
    for (const tamper of incomplete) {
      const error = await catchError(describeKey(signing({}, tamper)));
      expect(error).toMatchObject({ name: 'IncompleteSignatureException', $metadata: { httpStatusCode: 400 } });
    }
  });
});
