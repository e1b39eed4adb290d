/** How a promise ended. */
export interface SettledOutcome {
  readonly status: 'fulfilled' | 'rejected' | 'still pending';
  readonly error?: unknown;
}

/** How `promise` has ended within `ms`. */
export async function outcomeOf(promise: Promise<unknown>, ms: number): Promise<SettledOutcome> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<SettledOutcome>((resolve) => {
    timer = setTimeout(() => {
      resolve({ status: 'still pending' });
    }, ms);
  });
  const ended = promise.then(
    (): SettledOutcome => ({ status: 'fulfilled' }),
    (error: unknown): SettledOutcome => ({ status: 'rejected', error }),
  );
  const outcome = await Promise.race([ended, late]);
  clearTimeout(timer);
  return outcome;
}

/** Whether `promise` settles without the event loop turning: no file, socket or timer was waited for. */
export async function settlesAtOnce(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = (): void => {
    settled = true;
  };
  promise.then(note, note);
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
  return settled;
}
