import { invalidType, quote, USE_INTERVAL_MS, type KeyUse } from '../../core/index.js';
import { publishFailure } from './publish-failure.js';
import type { KeyRingDocument, RingStore } from './types.js';

/** Reports that are older than this, in ms, are forgotten. */
export const REPORT_LIFE_MS = 86_400_000;

/** The message on the diagnostics channel `goldkey:use-report-failed`. */
export interface UseReportFailure {
  /** The ring's name. */
  ring: string;
  /** The error of the ring store. */
  error: unknown;
}

/** Returns the function that writes a client's use of a key beside the ring, at most once a minute. */
export function createUseReporter(ring: string, store: RingStore): (use: KeyUse) => void {
  if (store.reportUse === undefined) {
    throw invalidType(`\`reportUse\` needs a ring store that keeps use reports; \`${store.name}\` keeps none.`);
  }
  let reportedAt: number | undefined;
  return (use) => {
    // Either way: a clock that was set back must not end the reports.
    if (reportedAt !== undefined && Math.abs(use.at - reportedAt) < USE_INTERVAL_MS) return;
    reportedAt = use.at;
    void (async () => store.reportUse?.(use))().catch((error: unknown) => {
      const failure: UseReportFailure = { ring, error };
      publishFailure('use-report-failed', failure, (kind) => {
        const lost = `The use of the key ring ${quote(ring)} could not be reported (${kind})`;
        return `${lost}, so that \`retire\` does not know of this instance; let it write beside the ring, or leave \`reportUse\` out.`;
      });
    });
  };
}

/** Reads the reports of the last day about the versions of a ring; `undefined` if the store keeps none. */
export async function readUses(
  store: RingStore,
  { versions }: KeyRingDocument,
  now: number,
  signal?: AbortSignal,
): Promise<readonly KeyUse[] | undefined> {
  const uses = await store.readUse?.({ signal });
  return uses?.filter(({ version, at }) => Object.hasOwn(versions, version) && now - at < REPORT_LIFE_MS);
}

/** Returns how many instances a version's reports are of, and the time of the latest. */
export function summarizeUse(uses: readonly KeyUse[], version: string): { instances: number; lastUsedAt?: number } {
  const own = uses.filter((use) => use.version === version);
  const summary = { instances: new Set(own.map(({ instance }) => instance)).size };
  return own.length === 0 ? summary : { ...summary, lastUsedAt: Math.max(...own.map(({ at }) => at)) };
}

/** Parses the text of one report. Returns `undefined` for any other text. */
export function parseUse(text: string): KeyUse | undefined {
  try {
    const { instance, version, at } = JSON.parse(text) as Partial<KeyUse>;
    const isReport = typeof instance === 'string' && typeof version === 'string' && Number.isSafeInteger(at);
    return isReport ? { instance, version, at: at as number } : undefined;
  } catch {
    return undefined;
  }
}
