// What the proof is made of, which is plain JavaScript, with the types that its tests go by.
export interface Fault {
  name: string;
  text: string;
  broken: string;
  found: Partial<Record<'a' | 'b' | 'c', RegExp>>;
  isInMemory?: boolean;
}
export interface Timer {
  cancel(): void;
}
export interface EventClock {
  now(): number;
  monotonic(): number;
  setTimeout(callback: () => void, ms: number): Timer;
  advance(ms: number): Promise<void>;
}
export interface FaultProxy {
  fault: string | undefined;
  met: Record<string, number>;
  requests: number;
  listen(): Promise<string>;
  close(): Promise<void>;
}
export interface Claim {
  part: string;
  claim: string;
  measured: string;
  holds: boolean;
}
export interface Claims {
  list: Claim[];
  none(claim: string, list: readonly string[]): void;
  nothingFound(claim: string, search: () => Promise<readonly string[]>): Promise<void>;
}
interface Lib {
  'broken-copy.mjs': { FAULTS: Fault[]; copyBroken(fault: Fault, folder: string): Promise<number> };
  'event-clock.mjs': { EventClock: new (startsAt?: number) => EventClock };
  'fault-proxy.mjs': {
    NETWORK_FAULTS: string[];
    FaultProxy: new (target: string, options: { random: () => number; counted?: string }) => FaultProxy;
  };
  'prove.mjs': {
    prove(
      parts: readonly string[],
      tryPart: (part: string, claims: Claims) => Promise<void>,
    ): Promise<readonly Claim[]>;
  };
  'keys.mjs': { SECRET: string; keysOf(seed?: string): { keyOf(number: number): string; shared: string } };
}

/** Imports a module of the proof. */
export async function lib<Name extends keyof Lib>(name: Name): Promise<Lib[Name]> {
  return (await import(new URL(`lib/${name}`, import.meta.url).href)) as Lib[Name];
}
