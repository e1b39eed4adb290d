import { nodeCrypto } from '../util/node-builtins.js';
import { listGoneForms } from './key-forms.js';
import { hashWindow } from './window-hash.js';

/** Number of keys that are remembered. */
const MAX_KEYS = 16;
/** Length of a record of one form, in characters: its length, its flags, the hash of its end, and a digest of 64 bits. */
const RECORD = 7;
const SPACED = 1;
const BASE64 = 2;

let digestKey: Uint8Array | undefined;

/** Returns 64 bits of a keyed digest, as four characters. */
export function digestForm(codes: Uint8Array): string {
  digestKey ??= nodeCrypto().randomBytes(32);
  return nodeCrypto().createHmac('sha256', digestKey).update(codes).digest().toString('utf16le', 0, 8);
}

/** A form of a key that is no longer held: enough to recognise it, and nothing to read it from. */
export interface GoneForm {
  readonly length: number;
  readonly spaced: boolean;
  readonly base64: boolean;
  readonly hash: number;
  readonly digest: string;
}

/** The last keys of a store that are no longer held, recognised without keeping them. 2.5 KB for sixteen keys. */
export class GoneKeys {
  /** One string of records a key. A string takes a third of the memory of any other form. */
  readonly #keys: string[] = [];

  /** Remembers a key that is about to be zeroed. */
  add(key: Uint8Array): void {
    let records = '';
    for (const { codes, form } of listGoneForms(key)) {
      const flags = (form.spaced ? SPACED : 0) | (form.base64 ? BASE64 : 0);
      records += String.fromCharCode(codes.length, flags, hashWindow(codes, codes.length)) + digestForm(codes);
      codes.fill(0);
    }
    const known = this.#keys.indexOf(records);
    if (known >= 0) this.#keys.splice(known, 1);
    this.#keys.push(records);
    if (this.#keys.length > MAX_KEYS) this.#keys.shift();
  }

  /** Lists every form of the keys. */
  list(): GoneForm[] {
    const forms: GoneForm[] = [];
    for (const records of this.#keys) {
      for (let at = 0; at < records.length; at += RECORD) {
        const flags = records.charCodeAt(at + 1);
        forms.push({
          length: records.charCodeAt(at),
          spaced: (flags & SPACED) !== 0,
          base64: (flags & BASE64) !== 0,
          hash: records.charCodeAt(at + 2),
          digest: records.slice(at + 3, at + RECORD),
        });
      }
    }
    return forms;
  }
}
