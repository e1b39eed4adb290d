import { localCipher } from 'goldkey/local';
import { INVENTED_CREDENTIALS } from './invented-credentials.mjs';

/** Makes the cipher of the fleet's ring. */
export const cipherOf = (masterKeyFile) => localCipher({ masterKeyFile, encryptionContext: { service: 'fleet' } });

/** Makes the store of a ring: `kind` is redis, file or dynamodb, and `place` its URL, path or endpoint. */
export async function ringOf(kind, place) {
  if (kind === 'redis') {
    const { redisRing } = await import('goldkey/rotation/redis');
    return redisRing({ key: 'fleet', url: place });
  }
  if (kind === 'dynamodb') {
    const { dynamoDbRing } = await import('goldkey/rotation/dynamodb');
    return dynamoDbRing({
      tableName: 'goldkey',
      name: 'fleet',
      clientConfig: { endpoint: place, region: 'us-east-1', credentials: INVENTED_CREDENTIALS },
    });
  }
  const { fileRing } = await import('goldkey/rotation');
  return fileRing(place);
}

/** A clock whose time of day is so many ms off. */
export const clockOff = (ms) => ({
  now: () => Date.now() + ms,
  monotonic: () => performance.now(),
  setTimeout(callback, delay, { unref = false } = {}) {
    const timer = setTimeout(callback, delay);
    if (unref) timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
});
