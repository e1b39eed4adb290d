/**
 * The one place that loads undici, once it pays off: it costs more to load than the AWS SDK, and per request a third of
 * node:http.
 */
export function loadUndici(): Promise<typeof import('undici')> {
  return import('undici');
}
