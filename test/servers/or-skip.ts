/**
 * Starts a server for a suite. Where `CI` is set a missing server is a failure; elsewhere the suite is skipped, with the
 * reason in its title and on the console.
 */
export async function orSkip<S>(
  start: () => Promise<S>,
): Promise<{ server: S; skipped?: never } | { server?: never; skipped: string }> {
  try {
    return { server: await start() };
  } catch (error) {
    if ((process.env['CI'] ?? '') !== '') throw error;
    const skipped = `SKIPPED: ${(error as Error).message}`;
    console.warn(skipped);
    return { skipped };
  }
}
