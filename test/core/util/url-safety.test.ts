import { describe, expect, it } from 'vitest';
import { isLoopback, isSecureTransport } from '../../../src/core/util/url-safety.js';

const LOOPBACK = ['localhost', 'LOCALHOST', '127.0.0.1', '127.255.255.254', '127.1', '2130706433', '[::1]', '[0:0::1]'];
const ELSEWHERE = [
  'api.localhost',
  'localhost.',
  'a.b.localhost.',
  'localhost.localdomain',
  'localhost.example.com',
  'notlocalhost',
  'ip6-localhost',
  '127.0.0.1.example.com',
  '127.0.0.1.nip.io',
  '128.0.0.1',
  '0.0.0.0',
  '[::]',
  '[::2]',
  '169.254.169.254',
];

describe('plain http', () => {
  it.each(LOOPBACK)('stays on this machine at %s', (host) => {
    expect(isSecureTransport(new URL(`http://${host}:8080/path`))).toBe(true);
  });

  it.each(ELSEWHERE)('may leave this machine at %s', (host) => {
    expect(isSecureTransport(new URL(`http://${host}:8080/path`))).toBe(false);
    expect(isSecureTransport(new URL(`https://${host}:8080/path`))).toBe(true);
  });

  it.each(['::1', '127.0.0.1', '127.9.10.19', '127.20.99.100', '127.199.200.249', '127.250.255.0'])(
    'stays on this machine at %s, which is an address without brackets',
    (host) => {
      expect(isLoopback(host)).toBe(true);
    },
  );

  it.each(['ftp:', 'ws:', 'file:', ''])('is what %j is not, though it stays here', (protocol) => {
    expect(isSecureTransport({ protocol, hostname: 'localhost' })).toBe(false);
  });

  it.each(['127.0.0.999', '1127.0.0.1', 'api127.0.0.1', '127.0.0.256', '127.1', '127.0.0.1.', '127.0.0.0x1'])(
    'is not kept here by %s, which only DNS would resolve where no URL has normalised it',
    (host) => {
      expect(isLoopback(host)).toBe(false);
    },
  );
});
