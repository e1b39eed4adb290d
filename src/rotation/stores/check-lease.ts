import { checkInteger, invalidType, checkOptionalString } from '../../core/index.js';

/** Holds what a lease is asked for to be a name and a whole number of milliseconds. */
export function checkLease(holder: unknown, ttl: unknown): void {
  if (checkOptionalString('holder', holder) === undefined)
    throw invalidType('`holder` is required: it names who asks.');
  if (ttl === undefined) throw invalidType('`ttl` is required, in milliseconds.');
  checkInteger('ttl', ttl, 1, 1);
}
