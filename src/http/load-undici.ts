/** Loads undici, once it pays off: it takes longer to load than the AWS SDK, and per request a third of node:http's time. */
export function loadUndici(): Promise<typeof import('undici')> {
  return import('undici');
}
