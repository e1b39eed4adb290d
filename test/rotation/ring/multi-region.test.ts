import { DecryptCommand, EncryptCommand, KMSClient } from '@aws-sdk/client-kms';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { KeyRotationManager, RingConflictError, fromKeyRing } from '../../../src/rotation/index.js';
import { kmsCipher } from '../../../src/providers/kms/index.js';
import { failure, memoryRing, OLD } from '../rings.js';
import { CONTEXT, NAME } from '../scene.js';

const PRIMARY = 'arn:aws:kms:eu-central-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab';
const REPLICA = PRIMARY.replace('eu-central-1', 'us-east-1');
const kms = mockClient(KMSClient);
afterAll(() => kms.restore());

// The key in an envelope of 100 bytes: shorter ciphertexts are taken for pasted keys.
beforeEach(() => {
  kms.reset();
  kms.on(EncryptCommand).callsFake(({ KeyId, Plaintext }: { KeyId: string; Plaintext: Uint8Array }) => ({
    CiphertextBlob: Buffer.concat([Buffer.alloc(100), Plaintext]),
    KeyId,
  }));
  kms.on(DecryptCommand).callsFake(({ KeyId, CiphertextBlob }: { KeyId: string; CiphertextBlob: Uint8Array }) => ({
    Plaintext: Buffer.from(CiphertextBlob.subarray(100)),
    KeyId,
  }));
});

const cipherOf = (keyId: string) => kmsCipher({ keyId, encryptionContext: CONTEXT, region: keyId.split(':')[3] ?? '' });

/** A ring that was made under the primary key. */
async function madeInEurope() {
  const ring = memoryRing(() => new RingConflictError('Somebody was faster.'));
  await new KeyRotationManager({ ring, name: NAME, cipher: cipherOf(PRIMARY) }).init(OLD);
  return ring;
}

describe('a ring under a multi-Region key', () => {
  it('is read through a replica', async () => {
    const provider = fromKeyRing({ ring: await madeInEurope(), name: NAME, cipher: cipherOf(REPLICA) });

    const loaded = await provider.load({ stage: 'current', signal: new AbortController().signal });

    expect(loaded).toMatchObject({ version: 'v1', bytes: new TextEncoder().encode(OLD) });
  });

  it.each([
    ['of another account', REPLICA.replace('111122223333', '444455556666')],
    ['with another id', REPLICA.replace('90ab', '90ff')],
  ])('is not read through a key %s', async (_, keyId) => {
    const provider = fromKeyRing({ ring: await madeInEurope(), name: NAME, cipher: cipherOf(keyId) });
    const before = kms.commandCalls(DecryptCommand).length;

    const error = await failure(
      provider.load({ stage: 'current', signal: new AbortController().signal }) as Promise<unknown>,
    );

    expect(error).toMatchObject({ code: 'ERR_GOLDKEY_DECRYPT', retryable: false });
    expect(kms.commandCalls(DecryptCommand)).toHaveLength(before);
  });
});
