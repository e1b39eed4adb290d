/** Returns whether a request to this host stays on this machine. Takes `URL`'s hostname, whose addresses are normalised. */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    hostname === '::1' ||
    /^127(?:\.\d{1,3}){3}$/.test(hostname)
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
