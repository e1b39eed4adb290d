/** Loads undici: slower to load than the AWS SDK, but a request takes a third of node:http's work. */
export function loadUndici(): Promise<typeof import('undici')> {
  return import('undici');
}
