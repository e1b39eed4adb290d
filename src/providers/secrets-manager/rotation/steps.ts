import { isGoldKeyError, encodeKey, KeyNotFoundError, RotationError, scrub, quote } from '../../../core/index.js';
import { allowErrors } from '../../../aws/failures.js';
import type { SecretsManagerConnection } from '../client.js';
import { SECRETS_MANAGER } from '../errors.js';
import { getSecretValue, readKey, readText, replaceKey } from '../secret-value.js';
import type { RotationEvent, RotationHandlerOptions } from './options.js';

export interface StepRun {
  readonly options: RotationHandlerOptions;
  readonly connection: SecretsManagerConnection;
  readonly secretId: string;
  /** The VersionId of the next key. */
  readonly token: string;
  readonly step: RotationEvent['Step'];
  readonly signal: AbortSignal;
}

/** Runs one step; it has no effect if it was done before. */
export async function runStep(run: StepRun): Promise<void> {
  const { token, step, signal } = run;
  const { activateKey, testKey } = run.options;
  const { current, pending, own } = await readLabels(run);
  // The next key is in use already: the answer to this step was lost, or a later step has run.
  if (current === token) return;
  if (pending !== token) {
    if (own.length > 0) throw createStepError(run, 'its version is no longer labelled AWSPENDING');
    if (pending !== undefined && pending !== current) {
      throw createStepError(run, `another rotation is in progress, to version ${pending}`);
    }
  }
  if (step === 'createSecret') return await createSecret(run);
  const key = pending === token ? (await readPendingKey(run))?.key : undefined;
  if (key === undefined) throw createStepError(run, `\`createSecret\` has not stored a key for ${token} yet`);
  if (step === 'setSecret') await runCallback(run, 'activateKey', key, async () => activateKey?.(key));
  else if (step === 'testSecret') await runCallback(run, 'testKey', key, () => testKey(key, { signal }));
  else await makeCurrent(run, current);
}

async function createSecret(run: StepRun): Promise<void> {
  const { options, secretId, token, signal } = run;
  const { mintKey, field } = options;
  const current = await readStoredKey(run, { VersionStage: 'AWSCURRENT' });
  if (current === undefined) {
    const message = `The secret ${quote(secretId)} has no key labelled AWSCURRENT; store the first key yourself.`;
    throw new KeyNotFoundError(message, { provider: SECRETS_MANAGER });
  }
  // An earlier run stored the key, and its answer was lost.
  if ((await readPendingKey(run)) !== undefined) return;
  const { text, isBinary } = current;
  const toText = (key: string): string =>
    field === undefined || text === undefined ? key : replaceKey(text, field, key);
  // Throws before a key is minted that could not be stored.
  toText(current.key);
  const minted = await runCallback(run, 'mintKey', current.key, () =>
    mintKey(current.key, { rotationId: token, signal }),
  );
  // Checked as every client will check it, while the key in use is still the old one.
  const bytes = encodeKey(minted);
  const key = Buffer.from(bytes).toString('latin1');
  if (key === current.key) throw createStepError(run, '`mintKey` returned the current key');
  bytes.fill(0);
  const secret = new TextEncoder().encode(toText(key));
  const isStored = await storePending(run, isBinary ? { SecretBinary: secret } : { SecretString: toText(key) });
  secret.fill(0);
  // A faster run of this step has stored the key of this rotation.
  if (isStored || (await readPendingKey(run)) !== undefined) return;
  throw createStepError(run, `its version ${token} does not hold a key; cancel the rotation and start another`);
}

/** Stores the next key; resolves to false if its version holds something else already. */
async function storePending(run: StepRun, value: { SecretString: string } | { SecretBinary: Uint8Array }) {
  const { connection, secretId, token } = run;
  const input = { SecretId: secretId, ClientRequestToken: token, VersionStages: ['AWSPENDING'], ...value };
  const stored = await connection.call(
    { operation: 'PutSecretValue', secretId },
    (sdk, client, http) =>
      allowErrors(client.send(new sdk.PutSecretValueCommand(input), http), ['ResourceExistsException']),
    run,
  );
  return stored !== undefined;
}

/** Makes the next key current; Secrets Manager labels the one before AWSPREVIOUS. */
async function makeCurrent(run: StepRun, current: string | undefined): Promise<void> {
  const { connection, secretId, token } = run;
  const input = {
    SecretId: secretId,
    VersionStage: 'AWSCURRENT',
    MoveToVersionId: token,
    // Makes Secrets Manager refuse the change if another version has become current in between.
    RemoveFromVersionId: current,
  };
  try {
    await connection.call(
      { operation: 'UpdateSecretVersionStage', secretId },
      (sdk, client, http) => client.send(new sdk.UpdateSecretVersionStageCommand(input), http),
      run,
    );
  } catch (error) {
    // An earlier try may have moved the label, and its answer was lost.
    if ((await readLabels(run)).current !== token) throw error;
  }
}

/** Returns the versions that are current and pending, and the labels of the next key's version. */
async function readLabels(run: StepRun) {
  const { connection, secretId, token } = run;
  const { VersionIdsToStages: labels = {} } = await connection.call(
    { operation: 'DescribeSecret', secretId },
    (sdk, client, http) => client.send(new sdk.DescribeSecretCommand({ SecretId: secretId }), http),
    run,
  );
  const find = (label: string): string | undefined =>
    Object.keys(labels).find((version) => labels[version]?.includes(label));
  return { current: find('AWSCURRENT'), pending: find('AWSPENDING'), own: labels[token] ?? [] };
}

const readPendingKey = (run: StepRun) => readStoredKey(run, { VersionId: run.token, VersionStage: 'AWSPENDING' });

/** Returns the key of a version, and `text`, the whole secret, which may have been stored as bytes. */
async function readStoredKey(run: StepRun, version: { VersionId?: string; VersionStage: string }) {
  const input = { SecretId: run.secretId, ...version };
  const answer = await getSecretValue(run.connection, input, { ...run, isOptional: true });
  if (answer === undefined) return undefined;
  const text = readText(answer);
  const bytes = readKey(answer, run.options.field);
  if (bytes === undefined) return undefined;
  const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  bytes.fill(0);
  return { key, text, isBinary: answer.SecretBinary !== undefined };
}

/** Runs a function of the caller, and removes the key that it was given from the error that it throws. */
async function runCallback<T>(run: StepRun, name: string, key: string, callback: () => Promise<T>): Promise<T> {
  const { step, signal } = run;
  try {
    return await callback();
  } catch (error) {
    signal.throwIfAborted();
    const cause = scrub(error, [key]);
    if (isGoldKeyError(cause)) throw cause;
    const message = `\`${name}\` failed; its error is the \`cause\`. It is safe to run \`${step}\` again.`;
    throw new RotationError(message, { step, provider: SECRETS_MANAGER, cause, retryable: true });
  }
}

function createStepError({ step, token }: StepRun, reason: string): RotationError {
  return new RotationError(`\`${step}\` was refused: ${reason}.`, { step, provider: SECRETS_MANAGER, version: token });
}
