import { writeSync } from 'node:fs';

// Loaded before a program: at its end, writes its peak of memory in bytes and the seconds that one core worked for it to file
// descriptor 3.
process.once('exit', () => {
  const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
  writeSync(3, JSON.stringify({ peak: maxRSS * 1024, seconds: (userCPUTime + systemCPUTime) / 1e6 }));
});
