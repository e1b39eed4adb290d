import { MAX_TIMER_MS, RotationError, systemClock } from '../../../core/index.js';
import { withDeadline } from '../../../util/deadline.js';
import { connectToSecretsManager } from '../client.js';
import { SECRETS_MANAGER } from '../errors.js';
import { checkRotationEvent, checkRotationOptions } from './options.js';
import type { RotationEvent, RotationHandlerOptions } from './options.js';
import { runStep } from './steps.js';

/** The part of an invocation's time that is kept to report a step that took too long, in ms. */
const MARGIN_MS = 500;

/**
 * Creates the handler of a Lambda function that Secrets Manager calls to rotate a secret: `createSecret` mints a key and
 * stores it as AWSPENDING, `setSecret` activates it, `testSecret` tries it, and `finishSecret` makes it AWSCURRENT. Each
 * step may run twice. The handler logs nothing, and its errors, which Lambda logs, never hold a key; an error that a
 * function of the caller throws is the `cause`. With Lambda's context a step ends 500 ms before the invocation does.
 *
 * The function's role needs secretsmanager:DescribeSecret, GetSecretValue, PutSecretValue and UpdateSecretVersionStage.
 *
 * @param options - see {@link RotationHandlerOptions}; copied
 * @returns the handler, called with the event and Lambda's context; it rejects if the step failed, and Secrets Manager
 * tries again
 * @throws {TypeError} `ERR_INVALID_ARG_VALUE`, at once: an option has an unknown name or a wrong type; by the handler: the
 * event is not one of Secrets Manager
 * @throws {RotationError} `ERR_GOLDKEY_ROTATION`, by the handler: a function of the caller failed, the minted key is the
 * current one, no key is pending, another rotation is in progress, or the time ran out
 * @throws {GoldKeyError} by the handler: the errors of a load of `fromSecretsManager`, a malformed key included
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
  const checked = checkRotationOptions(options);
  const connection = connectToSecretsManager({ client: checked.client });
  return async (event, context) => {
    const { SecretId: secretId, ClientRequestToken: token, Step: step } = checkRotationEvent(event);
    const limits = {
      ms: readTimeLeft(context),
      clock: systemClock,
      late() {
        const message = `\`${step}\` did not end within the invocation's time; it is safe to run it again.`;
        return new RotationError(message, { step, provider: SECRETS_MANAGER, retryable: true });
      },
      signals: [],
    };
    await withDeadline(limits, (signal) =>
      runStep({ options: checked, connection, secretId, token, step, signal, clock: systemClock }),
    );
  };
}

/** Returns the time for a step in ms; without Lambda's context it is not limited. */
function readTimeLeft(context: { getRemainingTimeInMillis?: () => number } | null | undefined): number {
  const timeLeft = context?.getRemainingTimeInMillis?.();
  return timeLeft === undefined ? MAX_TIMER_MS : Math.max(1, Math.floor(timeLeft) - MARGIN_MS);
}
