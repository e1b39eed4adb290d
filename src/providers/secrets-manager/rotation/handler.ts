import {
  checkOptionNames,
  invalidType,
  isGoldKeyError,
  keyBytes,
  describeType,
  MAX_TIMER_MS,
  checkOptionalFunction,
  checkOptionalString,
  RotationError,
  scrub,
  systemClock,
} from '../../../core/index.js';
import { secretsManagerLink } from '../client.js';
import { SECRETS_MANAGER } from '../errors.js';
import { withKeyInField } from '../secret-value.js';
import { withDeadline } from '../../../util/deadline.js';
import { currentKey, makeCurrent, pendingKey, refusal, standing, storePending, type SecretRotation } from './steps.js';

/** What Secrets Manager sends to a rotation function, four times per rotation. */
export interface RotationEvent {
  SecretId: string;
  /** The VersionId of the key that is to come, the same in all four steps. */
  ClientRequestToken: string;
  Step: 'createSecret' | 'setSecret' | 'testSecret' | 'finishSecret';
}

/** Options of {@link rotationHandler}. */
export interface RotationHandlerOptions {
  /**
   * Mints the next key. It must give the same key for the same `rotationId` (the ClientRequestToken): a step that died
   * between minting and storing is run again. `current` is the key in use, to ask the vendor with.
   */
  mintKey: (current: string, options: { rotationId: string; signal: AbortSignal }) => Promise<string>;
  /** Makes the vendor honour the key, where minting has not. It may run more than once for one key. */
  activateKey?: ((key: string) => Promise<void>) | undefined;
  /** Tries the key against the price API; throws to refuse it, and the key in use stays. */
  testKey: (key: string, options: { signal: AbortSignal }) => Promise<void>;
  /** The field that holds the key, where the secret is a JSON object; the others stay as they are. Default: no JSON. */
  field?: string | undefined;
  /** A `SecretsManagerClient`, with retries and timeouts of its own. Default: one of the Lambda's own account and Region. */
  client?: object | undefined;
}

/** What of Lambda's context is used. */
interface Remaining {
  getRemainingTimeInMillis?: (() => number) | undefined;
}

const STEPS: ReadonlySet<unknown> = new Set(['createSecret', 'setSecret', 'testSecret', 'finishSecret']);
/** Of the invocation's time, what is kept to tell of a step that ran out of it. */
const MARGIN_MS = 500;

/**
 * The handler of a Lambda function that Secrets Manager calls to rotate a secret: `createSecret` mints a key and stores it
 * as AWSPENDING, `setSecret` has it activated, `testSecret` tried, and `finishSecret` makes it AWSCURRENT. Each step may run
 * twice. It logs nothing, and what it throws, which Lambda logs, is without the key: what a function of yours throws is the
 * `cause`. A step ends half a second before the invocation does, when Lambda's context is handed on.
 *
 * The function's role needs secretsmanager:DescribeSecret, GetSecretValue, PutSecretValue and UpdateSecretVersionStage.
 *
 * @param options - see {@link RotationHandlerOptions}; copied
 * @returns the handler; it rejects when a step was not done, and Secrets Manager tries again
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option has a name or type that does not exist; by the handler: the
 * event is not one of Secrets Manager's
 * @throws {RotationError} `ERR_GOLDKEY_ROTATION`, by the handler: a function of yours failed, the key minted is the current
 * one, no key is pending, another rotation is under way, or time ran out
 * @throws {GoldKeyError} by the handler: what a load of `fromSecretsManager` may fail with, a malformed key included
 *
 * @example
 * ```ts
 * import { rotationHandler } from 'goldkey/secrets-manager';
 *
 * const vendor = 'https://keys.example.com';
 *
 * export const handler = rotationHandler({
 *   async mintKey(current, { rotationId, signal }) {
 *     const headers = { authorization: `Bearer ${current}` };
 *     const answer = await fetch(`${vendor}/keys/${rotationId}`, { method: 'PUT', headers, signal });
 *     if (!answer.ok) throw new Error(`No key was minted (HTTP ${answer.status}).`);
 *     return ((await answer.json()) as { key: string }).key;
 *   },
 *   async testKey(key, { signal }) {
 *     const answer = await fetch(`${vendor}/whoami`, { headers: { authorization: `Bearer ${key}` }, signal });
 *     if (!answer.ok) throw new Error(`The new key was refused (HTTP ${answer.status}).`);
 *   },
 *   field: 'apiKey',
 * });
 * ```
 */
export function rotationHandler(
  options: RotationHandlerOptions,
): (event: RotationEvent, context?: object) => Promise<void> {
  checkOptionNames('rotationHandler', options, ['mintKey', 'activateKey', 'testKey', 'field', 'client']);
  const given = {
    mintKey: required('mintKey', options.mintKey),
    activateKey: checkOptionalFunction('activateKey', options.activateKey),
    testKey: required('testKey', options.testKey),
  };
  const field = checkOptionalString('field', options.field);
  const link = secretsManagerLink({ client: options.client });
  return async (event, context) => {
    const { SecretId: secretId, ClientRequestToken: token, Step: step } = checkEvent(event);
    const late = (): RotationError =>
      new RotationError(`\`${step}\` did not end within the invocation's time; it is safe to run again.`, {
        step,
        provider: SECRETS_MANAGER,
        retryable: true,
      });
    await withDeadline({ ms: timeFor(context), clock: systemClock, late, signals: [] }, (signal) =>
      take({ link, secretId, token, step, field, signal }, given),
    );
  };
}

type Given = Pick<RotationHandlerOptions, 'mintKey' | 'activateKey' | 'testKey'>;

async function take(rotation: SecretRotation, { mintKey, activateKey, testKey }: Given): Promise<void> {
  const { step, token, signal } = rotation;
  const at = await standing(rotation);
  // Its key is in use already: the step's answer was lost, or a later step has overtaken it.
  if (at === 'done') return;
  if (step === 'createSecret') return await create(rotation, mintKey);
  const pending = at === 'pending' ? await pendingKey(rotation) : undefined;
  if (pending === undefined) throw refusal(rotation, `\`createSecret\` has stored no key for ${token} yet`);
  const { key } = pending;
  if (step === 'setSecret') await by(rotation, 'activateKey', [key], async () => activateKey?.(key));
  else if (step === 'testSecret') await by(rotation, 'testKey', [key], () => testKey(key, { signal }));
  else await makeCurrent(rotation);
}

async function create(rotation: SecretRotation, mintKey: Given['mintKey']): Promise<void> {
  const { token, field, signal } = rotation;
  const current = await currentKey(rotation);
  // Stored before, by a run that could not say so.
  if ((await pendingKey(rotation)) !== undefined) return;
  const { SecretString: text = '' } = current.answer;
  const secretWith = (key: string): string =>
    field === undefined ? key : withKeyInField(text, field, key, { provider: SECRETS_MANAGER });
  // Tried out before a key is minted that could not be stored.
  secretWith(current.key);
  const minted = await by(rotation, 'mintKey', [current.key], () =>
    mintKey(current.key, { rotationId: token, signal }),
  );
  // Held to what every client will accept, while the key in use is still the old one.
  const bytes = keyBytes(minted);
  const key = Buffer.from(bytes).toString('latin1');
  if (key === current.key) throw refusal(rotation, '`mintKey` gave the key that is current');
  const isStored = await storePending(
    rotation,
    current.isBinary ? { SecretBinary: bytes } : { SecretString: secretWith(key) },
  );
  bytes.fill(0);
  // Another run of this step was faster: what it stored is the key of this rotation.
  if (isStored || (await pendingKey(rotation)) !== undefined) return;
  throw refusal(rotation, `its version ${token} holds something that is no key; cancel the rotation and start another`);
}

/** Runs a function of the caller's. What it throws leaves without the keys that it was given. */
async function by<T>(
  { step, signal }: SecretRotation,
  name: string,
  secrets: readonly string[],
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    signal.throwIfAborted();
    const clean = scrub(error, secrets);
    if (isGoldKeyError(clean)) throw clean;
    throw new RotationError(`\`${name}\` failed; its error is the \`cause\`. \`${step}\` is safe to run again.`, {
      step,
      provider: SECRETS_MANAGER,
      cause: clean,
      retryable: true,
    });
  }
}

function timeFor(context: object | undefined): number {
  const remaining = (context as Remaining | null | undefined)?.getRemainingTimeInMillis?.();
  return remaining === undefined ? MAX_TIMER_MS : Math.max(1, Math.floor(remaining) - MARGIN_MS);
}

function checkEvent(event: unknown): RotationEvent {
  const { SecretId, ClientRequestToken, Step } = (event ?? {}) as Partial<RotationEvent>;
  if (
    typeof SecretId !== 'string' ||
    SecretId === '' ||
    typeof ClientRequestToken !== 'string' ||
    ClientRequestToken === '' ||
    Step === undefined ||
    !STEPS.has(Step)
  ) {
    throw invalidType(
      'The handler expects an event of Secrets Manager: { SecretId, ClientRequestToken, Step }, with a step of its rotation.',
    );
  }
  return { SecretId, ClientRequestToken, Step };
}

function required<F>(name: string, value: F | undefined): F {
  const given = checkOptionalFunction(name, value);
  if (given === undefined) throw invalidType(`\`${name}\` must be a function, got ${describeType(value)}.`);
  return given;
}
