import { installNode } from './node.js';
import { orSkip } from './or-skip.js';

/** A Node.js that functions are started on, or the reason why it is not there. */
export interface LambdaNode {
  readonly major: string;
  readonly node: string;
  readonly skipped: string | undefined;
}

/** Finds the versions of Node.js that Lambda has. */
export async function findLambdaNodes(): Promise<LambdaNode[]> {
  const running = process.versions.node.split('.')[0] as string;
  return Promise.all(
    ['20', '22', '24'].map(async (major) => {
      const { server, skipped } = await orSkip(async () => (major === running ? process.execPath : installNode(major)));
      return { major, node: server ?? '', skipped };
    }),
  );
}

/** Returns the median of times, and the least and the greatest, as text. */
export function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number): string => (sorted[Math.round(part * (sorted.length - 1))] ?? Number.NaN).toFixed(1);
  return `${at(0.5)} (${at(0)} to ${at(1)})`;
}
