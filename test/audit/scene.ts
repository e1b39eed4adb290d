import { audit, type Audit, type AuditOptions, type AuditRecord, type AuditSink } from '../../src/audit/index.js';
import { setUp, type Stage } from '../core/helpers.js';

/** A sink in memory, which a test can break and stop. */
export class MemorySink implements AuditSink {
  readonly lines: string[] = [];
  /** Makes the error of each write from now on. */
  fault: (() => unknown) | undefined;
  /** What each write waits for. */
  gate: Promise<void> | undefined;
  closed = 0;

  async write(line: string): Promise<void> {
    await this.gate;
    if (this.fault !== undefined) throw this.fault();
    this.lines.push(line);
  }

  close(): Promise<void> {
    this.closed++;
    return Promise.resolve();
  }

  get records(): AuditRecord[] {
    return this.lines.map((line) => JSON.parse(line) as AuditRecord);
  }

  /** The events of the records, without those of the log about itself. */
  get events(): string[] {
    return this.records
      .map(({ event }) => event)
      .filter((event) => !['opened', 'checkpoint', 'closed'].includes(event));
  }

  find(event: string): AuditRecord[] {
    return this.records.filter((record) => record.event === event);
  }
}

export interface AuditScene extends Stage {
  readonly sink: MemorySink;
  readonly log: Audit;
  readonly errors: unknown[];
}

/** A client on a manual clock whose records go to memory. */
export function setUpAudit(options: AuditOptions = {}, client: Parameters<typeof setUp>[0] = {}): AuditScene {
  const scene = setUp({ name: 'gold', ...client });
  const sink = new MemorySink();
  const errors: unknown[] = [];
  const log = audit(scene.gold, sink, { onError: (error) => void errors.push(error), ...options });
  return { ...scene, sink, log, errors };
}

export async function* each(lines: Iterable<string>): AsyncGenerator<string> {
  yield* lines;
}
