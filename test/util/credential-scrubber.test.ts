import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { CredentialScrubber } from '../../src/util/credential-scrubber.js';

const SECRET = 'an-invented/secret+0123';
const scrubbed = (error: unknown, config?: unknown): string =>
  inspect(new CredentialScrubber().scrub(error, config), { depth: 20 });

describe('what an error itself tells to be a credential', () => {
  it.each([
    `authorization: Bearer ${SECRET}`,
    `Authorization: Basic ${SECRET}`,
    `x-amz-security-token: ${SECRET}`,
    `X-Vault-Token: ${SECRET}`,
    `client_secret=${SECRET}&grant_type=x`,
    `{"secretAccessKey":"${SECRET}"}`,
    `{\\"password\\": \\"${SECRET}\\"}`,
    `passphrase='${SECRET}'`,
    `secret_id=${SECRET}`,
    `client_secret=${encodeURIComponent(SECRET)}; ${SECRET}`,
  ])('by its text: %s', (text) => {
    expect(scrubbed(new Error(`odd (${text}), sent ${encodeURIComponent(SECRET)}`))).not.toContain('invented');
  });

  it.each([
    { headers: { authorization: SECRET } },
    { headers: new Map([['x-vault-token', { name: 'X-Vault-Token', value: SECRET }]]) },
    { headers: new Headers({ 'proxy-authorization': SECRET }) },
    { options: { auth: { password: SECRET } } },
    { cookie: [SECRET] },
  ])('by its properties: %j', (fields) => {
    expect(scrubbed(Object.assign(new Error(`odd: ${SECRET}`), fields))).not.toContain('invented');
  });

  it('and takes no word of a sentence for one', () => {
    const text =
      'The security token included in the request is expired; secret gold-api: no authorization, password needed.';

    expect(scrubbed(new Error(text))).toContain(text);
  });
});

describe('credentials', () => {
  it('are found in a configuration by their names, and nothing else of it is', () => {
    const config = { region: 'eu-central-1', credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: SECRET } };

    const shown = scrubbed(new Error(`${SECRET} of AKIDEXAMPLE in eu-central-1`), config);

    expect(shown).toContain('[REDACTED] of AKIDEXAMPLE in eu-central-1');
  });

  it('are never asked of a getter', () => {
    let asked = 0;
    const config = {
      get password() {
        return String(asked++);
      },
    };

    scrubbed(new Error('odd'), config);

    expect(asked).toBe(0);
  });

  it('in use last are remembered, sixteen of them', () => {
    const scrubber = new CredentialScrubber();
    const secrets = Array.from({ length: 17 }, (_, index) => `secret-number-${String(index).padStart(2, '0')}`);
    for (const secret of secrets) scrubber.remember(secret, undefined, 'short');

    const { message } = scrubber.scrub(new Error(secrets.join()));

    expect(message.split(',')).toEqual([secrets[0], ...Array.from({ length: 16 }, () => '[REDACTED]')]);
  });

  it('in an endless or a huge configuration stop nothing', () => {
    const endless: Record<string, unknown> = { many: Array.from({ length: 100_000 }, () => ({})) };
    endless['self'] = endless;

    expect(scrubbed(new Error('odd'), endless)).toContain('odd');
  });
});
