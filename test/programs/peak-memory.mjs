import { readFileSync } from 'node:fs';

/** Returns the most memory of this process, in bytes. On Linux `maxRSS` begins with that of the process which started it. */
export function readPeakMemory() {
  try {
    const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'));
    return Number(kilobytes) * 1_024;
  } catch {
    return process.resourceUsage().maxRSS * 1_024;
  }
}
