/**
 * Returns whether a request to this host stays on this machine. Takes `URL`'s hostname, whose addresses are normalised. No
 * other name than `localhost` does: `api.localhost` and `localhost.` are asked of DNS, whose answer may be anyone's.
 */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname === '[::1]' ||
    hostname === '::1' ||
    /^127(?:\.(?:25[0-5]|2[0-4]\d|1?\d?\d)){3}$/.test(hostname)
  );
}

/** Returns whether a request cannot be read on its way: it uses https, or stays on this machine. */
export function isSecureTransport({
  protocol,
  hostname,
}: {
  readonly protocol: string;
  readonly hostname: string;
}): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}
