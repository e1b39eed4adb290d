/**
 * Whether a request to this host stays on this machine. Of a host name as `URL` gives it, which has normalised the
 * spellings of an address. Here, because every key store asks it and the core is the chunk they all load anyway.
 */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    hostname === '::1' ||
    /^127(?:\.\d{1,3}){3}$/.test(hostname)
  );
}

/** Whether what is sent there cannot be read on its way: by https, or without leaving this machine. */
export function isSecureTransport({
  protocol,
  hostname,
}: {
  readonly protocol: string;
  readonly hostname: string;
}): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}
