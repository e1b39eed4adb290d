/** Closes every one of `closables`, even when one of them fails to close, and then throws the first error. */
export async function closeAll(closables: ReadonlyArray<{ close?(): Promise<void> }>): Promise<void> {
  const results = await Promise.allSettled(closables.map(async (closable) => closable.close?.()));
  const failed = results.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}
