import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';

/** What a result is about, before it has lines: the Node.js, the machine and the day. */
export function subject(node, quick) {
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  const [processor] = cpus();
  return {
    version,
    major: majorOf(version),
    machine: `${processor?.model.trim() ?? 'unknown processor'}, ${String(cpus().length)} cores`,
    date: new Date().toISOString().slice(0, 10),
    quick,
  };
}

export function majorOf(version) {
  return Number.parseInt(version.slice(1), 10);
}

/** One result per major version, the oldest first. What is measured later replaces the rows it has, and keeps the others. */
export function merge(results) {
  const merged = new Map();
  for (const result of results) {
    const before = merged.get(result.major);
    const fresh = new Set(result.lines.map(({ row }) => row));
    const kept = before?.lines.filter(({ row }) => !fresh.has(row)) ?? [];
    merged.set(result.major, {
      ...result,
      version: kept.length === 0 ? result.version : both(before.version, result.version),
      date: kept.length === 0 ? result.date : both(before.date, result.date),
      quick: result.quick || (kept.length > 0 && before.quick),
      // Row 13b comes after row 13.
      lines: [...kept, ...result.lines].toSorted(
        (a, b) => Number.parseInt(a.row, 10) - Number.parseInt(b.row, 10) || a.row.localeCompare(b.row),
      ),
    });
  }
  return [...merged.values()].toSorted((a, b) => a.major - b.major);
}

function both(one, other) {
  return unique([...one.split(' and '), other]).join(' and ');
}

export function unique(values) {
  return [...new Set(values)];
}
