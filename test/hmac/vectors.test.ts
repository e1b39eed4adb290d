import { httpbis } from 'http-message-signatures';
import { describe, expect, it } from 'vitest';
import { digestBody, matchesDigest } from '../../src/hmac/digest.js';
import { computeMac } from '../../src/hmac/mac.js';
import { webhookSigner, webhookVerifier } from '../../src/hmac/index.js';
import { KeyedClient } from '../../src/index.js';
import { manualClock, memoryKeyProvider } from '../../src/testing/index.js';

describe('the published vectors', () => {
  it('RFC 9421 B.2.5: a request signed by HMAC', async () => {
    const key = Buffer.from(
      'uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==',
      'base64',
    );
    const signed = await httpbis.signMessage(
      {
        key: { id: 'test-shared-secret', sign: async (base) => computeMac(key, base) },
        name: 'sig-b25',
        fields: ['date', '@authority', 'content-type'],
        params: ['created', 'keyid'],
        paramValues: { created: new Date(1_618_884_473_000) },
      },
      {
        method: 'POST',
        url: 'https://example.com/foo?param=Value&Pet=dog',
        headers: { date: 'Tue, 20 Apr 2021 02:07:55 GMT', 'content-type': 'application/json' },
      },
    );
    expect(signed.headers).toMatchObject({
      'Signature-Input': 'sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"',
      Signature: 'sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:',
    });
  });

  it('RFC 9530: the digest of a body', () => {
    const body = '{"hello": "world"}';
    const sha512 = 'sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:';
    expect(digestBody(body)).toBe('sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:');
    expect(matchesDigest(sha512, body)).toBe(true);
  });

  it('Standard Webhooks: the signature of a message, which its verifier takes', async () => {
    const clock = manualClock(1_614_265_330_000);
    const keyProvider = memoryKeyProvider({ current: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' });
    const client = new KeyedClient({ keyProvider, clock });
    const id = 'msg_p5jXN8AQM9LWM0D4loKWxJek';
    const body = '{"test": 2432232314}';
    const headers = await webhookSigner(client).sign({ id, timestamp: 1_614_265_330, body });
    expect(headers).toEqual({
      'webhook-id': id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
    expect(await webhookVerifier(client).verify({ headers: { ...headers }, body })).toEqual({
      id,
      timestamp: 1_614_265_330,
      version: 'v1',
    });
  });
});

describe('a Content-Digest', () => {
  it.each([
    ['sha-256 and another that is not known', `${digestBody('x')}, unixsum=:AAAA:`, true],
    ['white space', ` ${digestBody('x')} `, true],
    ['a wrong one beside a right one', `${digestBody('x')}, sha-512=:AAAA:`, false],
    ['none that is known', 'md5=:AAAA:', false],
    ['nothing', '', false],
    ['no colons', digestBody('x').replaceAll(':', ''), false],
    ['the digest of another body', digestBody('y'), false],
  ])('with %s', (_what, header, matches) => {
    expect(matchesDigest(header, 'x')).toBe(matches);
    expect(matchesDigest(header, Buffer.from('x'))).toBe(matches);
  });
});
