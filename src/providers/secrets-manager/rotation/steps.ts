import type { GetSecretValueCommandInput, GetSecretValueCommandOutput } from '@aws-sdk/client-secrets-manager';
import { KeyNotFoundError, RotationError, systemClock } from '../../../core/index.js';
import { orAbsent } from '../../../aws/failures.js';
import { ABSENT, callSecretsManager, type SecretsManagerLink } from '../client.js';
import { SECRETS_MANAGER } from '../errors.js';
import { keyInSecret } from '../secret-value.js';
import { classifyAwsError } from '../../../aws/failures.js';

/** A version's key as it is stored: the whole secret, and the key in it. */
export interface StoredKey {
  readonly answer: GetSecretValueCommandOutput;
  readonly key: string;
  readonly isBinary: boolean;
}

/** One rotation of one secret: the version that `token` names is to be the next. */
export interface SecretRotation {
  readonly link: SecretsManagerLink;
  readonly secretId: string;
  readonly token: string;
  readonly step: string;
  readonly field: string | undefined;
  readonly signal: AbortSignal;
}

/** A step that cannot be taken as things are. */
export function refusal({ step, token }: SecretRotation, why: string): RotationError {
  return new RotationError(`\`${step}\` was not taken: ${why}.`, { step, provider: SECRETS_MANAGER, version: token });
}

/** What became of the rotation so far: `done` when its version is current, `absent` when there is no such version yet. */
export async function standing(rotation: SecretRotation): Promise<'done' | 'pending' | 'absent'> {
  const { versions } = await labels(rotation);
  const own = versions.get(rotation.token);
  if (own?.includes('AWSCURRENT') === true) return 'done';
  if (own?.includes('AWSPENDING') === true) return 'pending';
  if (own !== undefined && own.length > 0) throw refusal(rotation, 'its version is not labelled AWSPENDING any more');
  for (const [version, has] of versions) {
    if (has.includes('AWSPENDING') && !has.includes('AWSCURRENT')) {
      throw refusal(rotation, `another rotation is under way, to the version ${version}`);
    }
  }
  return 'absent';
}

/** The key that is current. */
export async function currentKey(rotation: SecretRotation): Promise<StoredKey> {
  const answer = await read(rotation, { VersionStage: 'AWSCURRENT' });
  const stored = answer === undefined ? undefined : open(rotation, answer);
  if (stored !== undefined) return stored;
  throw new KeyNotFoundError(
    `The secret \`${rotation.secretId}\` has no key labelled AWSCURRENT; store the first one by hand.`,
    { provider: SECRETS_MANAGER },
  );
}

/** The key of this rotation, `undefined` while there is none. */
export async function pendingKey(rotation: SecretRotation): Promise<StoredKey | undefined> {
  const answer = await read(rotation, { VersionId: rotation.token, VersionStage: 'AWSPENDING' });
  return answer === undefined ? undefined : open(rotation, answer);
}

/** Stores the key of this rotation; false when its version holds something else already. */
export async function storePending(
  rotation: SecretRotation,
  value: { SecretString: string } | { SecretBinary: Uint8Array },
): Promise<boolean> {
  const { link, secretId, token, signal } = rotation;
  return await callSecretsManager(
    link,
    { operation: 'PutSecretValue', secretId },
    async (sdk, client, http) => {
      const labelled = { SecretId: secretId, ClientRequestToken: token, VersionStages: ['AWSPENDING'] };
      try {
        await client.send(new sdk.PutSecretValueCommand({ ...labelled, ...value }), http);
        return true;
      } catch (error) {
        if (classifyAwsError(error).name === 'ResourceExistsException') return false;
        throw error;
      }
    },
    { signal, clock: systemClock },
  );
}

/** Makes the key of this rotation current; Secrets Manager makes the one before AWSPREVIOUS. */
export async function makeCurrent(rotation: SecretRotation): Promise<void> {
  const { link, secretId, token, signal } = rotation;
  const { current } = await labels(rotation);
  try {
    await callSecretsManager(
      link,
      { operation: 'UpdateSecretVersionStage', secretId },
      (sdk, client, http) =>
        client.send(
          new sdk.UpdateSecretVersionStageCommand({
            SecretId: secretId,
            VersionStage: 'AWSCURRENT',
            MoveToVersionId: token,
            // Refused when another version has become current in between.
            ...(current === undefined ? {} : { RemoveFromVersionId: current }),
          }),
          http,
        ),
      { signal, clock: systemClock },
    );
  } catch (error) {
    // An answer may have been lost on the way, and the label been moved by the try before.
    if ((await labels(rotation)).current !== token) throw error;
  }
}

interface Labels {
  readonly versions: ReadonlyMap<string, readonly string[]>;
  readonly current: string | undefined;
}

async function labels({ link, secretId, signal }: SecretRotation): Promise<Labels> {
  const answer = await callSecretsManager(
    link,
    { operation: 'DescribeSecret', secretId },
    (sdk, client, http) => client.send(new sdk.DescribeSecretCommand({ SecretId: secretId }), http),
    { signal, clock: systemClock },
  );
  const versions = new Map(Object.entries(answer.VersionIdsToStages ?? {}));
  return { versions, current: [...versions].find(([, has]) => has.includes('AWSCURRENT'))?.[0] };
}

function read(
  { link, secretId, signal }: SecretRotation,
  which: Pick<GetSecretValueCommandInput, 'VersionId' | 'VersionStage'>,
): Promise<GetSecretValueCommandOutput | undefined> {
  return callSecretsManager(
    link,
    { operation: 'GetSecretValue', secretId, label: which.VersionStage },
    (sdk, client, http) =>
      orAbsent(client.send(new sdk.GetSecretValueCommand({ SecretId: secretId, ...which }), http), ABSENT),
    { signal, clock: systemClock, discard: (late) => late?.SecretBinary?.fill(0) },
  );
}

function open({ field }: SecretRotation, answer: GetSecretValueCommandOutput): StoredKey | undefined {
  const isBinary = answer.SecretBinary !== undefined;
  const bytes = keyInSecret(answer, field);
  if (bytes === undefined) return undefined;
  const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  bytes.fill(0);
  return { answer, key, isBinary };
}
