// A key store for goldkey: a key service inside a company, asked over HTTPS. GET /keys/<name> answers with JSON
// { key, version } and an ETag.
import { KeyAccessDeniedError, KeyFormatError, KeyNotFoundError, KeyProviderError } from 'goldkey';

const NAME = 'key-service';

/** @returns {import('goldkey').KeyProvider} */
export function fromKeyService({ url, token, keyName }) {
  return {
    name: NAME,
    async load({ stage, signal, known = [] }) {
      // This service has one key. A stage without a key is `undefined`, not an error.
      if (stage !== 'current') return undefined;
      const response = await ask(`${url}/keys/${encodeURIComponent(keyName)}`, token, signal);
      const { key, version } = await read(response);
      // The client already holds this version: say so, and hand over no second copy.
      if (known.includes(version)) return { unchanged: true, version };
      // The client takes these bytes over: it copies them and zeroes this array.
      return { bytes: new TextEncoder().encode(key), version };
    },
  };
}

async function ask(address, token, signal) {
  try {
    return await fetch(address, { headers: { authorization: `Bearer ${token}` }, redirect: 'error', signal });
  } catch (cause) {
    // `close()` and `keyTimeout` abort the signal: pass its reason on as it is.
    signal.throwIfAborted();
    throw new KeyProviderError('The key service cannot be reached.', { provider: NAME, cause });
  }
}

async function read(response) {
  if (response.ok) {
    const body = await response.json().catch(() => undefined);
    if (typeof body?.key === 'string' && typeof body.version === 'string') return body;
    // Never put the body into a message: it may hold the key.
    throw new KeyFormatError('The key service answered without `key` and `version`.', { provider: NAME });
  }
  await response.body?.cancel();
  if (response.status === 404) throw new KeyNotFoundError('The key service has no such key.', { provider: NAME });
  if (response.status === 403) {
    throw new KeyAccessDeniedError('The key service denies access to this key.', { provider: NAME });
  }
  // Everything else may pass. A 401 means that the token has expired: the token can be renewed, so the key stays.
  throw new KeyProviderError(`The key service answered with HTTP ${response.status}.`, { provider: NAME });
}
