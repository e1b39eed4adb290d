/** The error of a request on a kept connection that the server had closed: no byte of an answer came. */
export class StaleConnection extends Error {}

/** The methods that may be sent twice: the server may have seen the first request before it closed the connection. */
const REPEATABLE = new Set(['GET', 'HEAD']);

/** Returns whether a request that met a closed connection may be sent again. */
export function isRepeatable(method: string): boolean {
  return REPEATABLE.has(method);
}

/** Returns whether an error means that the other side has closed the connection. */
export function isConnectionLost(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === 'ECONNRESET' || code === 'EPIPE' || code === 'UND_ERR_SOCKET';
}
