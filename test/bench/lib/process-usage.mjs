import { writeSync } from 'node:fs';
import { readPeakMemory } from '../../programs/peak-memory.mjs';

// Loaded before a program: at its end, writes its peak of memory in bytes and the seconds that one core worked for it to file
// descriptor 3.
process.once('exit', () => {
  const { userCPUTime, systemCPUTime } = process.resourceUsage();
  writeSync(3, JSON.stringify({ peak: readPeakMemory(), seconds: (userCPUTime + systemCPUTime) / 1e6 }));
});
