// goldkey, watched.
import { watch } from 'goldkey/watch';
import * as goldkey from './goldkey.mjs';

export const { repairs } = goldkey;

export function create(options) {
  const client = goldkey.create(options);
  watch(client, { onAlert: () => undefined });
  return client;
}
