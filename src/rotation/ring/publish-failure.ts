import { hasSubscribers, publishOn, readErrorName } from '../../core/index.js';

/**
 * Publishes a failure on the diagnostics channel `goldkey:<name>` or, if that has no subscriber and nobody `isTold`, as a
 * process warning. `describe` gets the kind of the error: its message may hold anything, the key included.
 */
export function publishFailure(
  name: string,
  failure: { readonly error: unknown },
  describe: (kind: string) => string,
  isTold: boolean = false,
): void {
  const { error } = failure;
  if (hasSubscribers(name)) {
    publishOn(name, failure);
  } else if (!isTold) {
    const kind = readErrorName(error) ?? 'not an Error';
    const code = `GOLDKEY_${name.replaceAll('-', '_').toUpperCase()}`;
    process.emitWarning(describe(kind), { type: 'GoldKeyWarning', code });
  }
}
