import {
  checkInteger,
  checkOptionalString,
  checkOptionNames,
  describeType,
  getClientState,
  invalidRange,
  invalidType,
  KeyedClient,
  type Clock,
} from '../core/index.js';
import { MemoryReplayStore } from './memory-replay-store.js';
import type { ReplayStore, SignerOptions, VerifierOptions } from './types.js';

const DAY_MS = 86_400_000;
const MIN_MS = 1_000;
const DEFAULT_MS = 300_000;
const DEFAULT_LABEL = 'goldkey';
/** Components that are signed, and that must be, unless the options say otherwise. */
const DEFAULT_COMPONENTS: readonly string[] = ['@method', '@authority', '@path', '@query'];
/** Derived components of a request that need no parameters. */
const DERIVED: readonly string[] = [
  '@method',
  '@target-uri',
  '@authority',
  '@scheme',
  '@request-target',
  '@path',
  '@query',
];
const LABEL = /^[a-z*][a-z0-9_.*-]{0,63}$/;
/** The headers of the signature itself cannot be signed. */
const HEADER = /^(?!signature(?:-input)?$)[a-z0-9!#$%&'*+.^_`|~-]{1,128}$/;

/** {@link SignerOptions}, checked, with defaults. */
export interface CheckedSigner {
  readonly components: readonly string[];
  readonly expiresIn: number;
  readonly label: string;
  readonly tag: string | undefined;
  readonly keyId: string | undefined;
}

/** {@link VerifierOptions}, checked, with defaults. */
export interface CheckedVerifier {
  readonly window: number;
  readonly required: readonly string[];
  readonly replay: ReplayStore | undefined;
  readonly label: string;
  readonly tag: string | undefined;
}

export function checkSignerOptions(options: SignerOptions): CheckedSigner {
  checkOptionNames('hmacSigner', options, ['components', 'expiresIn', 'label', 'tag', 'keyId']);
  return {
    components: checkComponents('components', options.components),
    expiresIn: checkInteger('expiresIn', options.expiresIn, DEFAULT_MS, MIN_MS, DAY_MS),
    label: checkLabel(options.label),
    tag: checkParameter('tag', options.tag),
    keyId: checkParameter('keyId', options.keyId),
  };
}

export function checkVerifierOptions(options: VerifierOptions, clock: Clock): CheckedVerifier {
  checkOptionNames('hmacVerifier', options, ['window', 'required', 'replay', 'label', 'tag']);
  return {
    window: checkWindow(options.window),
    required: checkComponents('required', options.required),
    replay: checkReplay(options.replay, clock),
    label: checkLabel(options.label),
    tag: checkParameter('tag', options.tag),
  };
}

export function checkWindow(window: number | undefined): number {
  return checkInteger('window', window, DEFAULT_MS, MIN_MS, DAY_MS);
}

/** Returns where messages are remembered; `undefined`: nowhere. */
export function checkReplay(replay: ReplayStore | false | undefined, clock: Clock): ReplayStore | undefined {
  if (replay === false) return undefined;
  if (replay === undefined) return new MemoryReplayStore(clock);
  if (typeof (replay as Partial<ReplayStore> | null)?.add === 'function') return replay;
  throw invalidType(`\`replay\` must be a store with \`add\`, or false, got ${describeType(replay)}.`);
}

/** Returns the clock of a client. */
export function checkClient(client: KeyedClient): Clock {
  if (client instanceof KeyedClient) return getClientState(client).options.clock;
  throw invalidType(`\`client\` must be a KeyedClient, got ${describeType(client)}.`);
}

function checkComponents(name: string, components: readonly string[] | undefined): readonly string[] {
  if (components === undefined) return DEFAULT_COMPONENTS;
  if (!Array.isArray(components) || components.length === 0)
    throw invalidType(`\`${name}\` must be a list of components, got ${describeType(components)}.`);
  components.forEach((component: unknown, index) => {
    const isKnown =
      typeof component === 'string' &&
      (component.startsWith('@') ? DERIVED.includes(component) : HEADER.test(component));
    if (isKnown) return;
    throw invalidRange(
      `\`${name}[${String(index)}]\` must be the name of a header in lower case, or one of ${DERIVED.join(', ')}.`,
    );
  });
  if (new Set(components).size < components.length) throw invalidRange(`\`${name}\` lists a component twice.`);
  return [...(components as readonly string[])];
}

function checkLabel(label: string | undefined): string {
  const given = checkOptionalString('label', label) ?? DEFAULT_LABEL;
  if (LABEL.test(given)) return given;
  throw invalidRange('`label` must be at most 64 of a-z, 0-9, `_`, `-`, `.` and `*`, and begin with a letter or `*`.');
}

/** Returns a parameter that is sent in quotes. */
function checkParameter(name: string, value: string | undefined): string | undefined {
  const given = checkOptionalString(name, value);
  const isPlain =
    given === undefined || (given.length <= 256 && [...given].every((char) => char >= ' ' && char <= '~'));
  if (isPlain) return given;
  throw invalidRange(`\`${name}\` must be printable ASCII of at most 256 characters.`);
}
