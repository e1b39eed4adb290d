import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { checkChain, WRONG_MAC } from '../../audit/verify.js';
import { readErrorName } from '../../core/index.js';
import { readGuarded } from '../../util/guarded-file.js';
import { quotePath } from '../../util/quote-path.js';
import { CommandError } from '../errors.js';
import { printResult, type CliRun } from '../io.js';
import type { CommandOptions } from '../options/command-options.js';

const MAX_KEY_BYTES = 65_536;
const RAW_KEY = 'the file of --chain-key-file looks like base64 or hex, and must hold the raw bytes: decode it';

/** A file, and the number of its last line among those of all files. */
interface FileEnd {
  readonly file: string;
  readonly lastLine: number;
}

/** Checks the chain of an audit log over its files, oldest first: the exit code is 3 if it is broken. */
export async function auditVerify(run: CliRun, files: readonly string[], options: CommandOptions): Promise<void> {
  const { chainKeyFile, json } = options;
  const chainKey = chainKeyFile === undefined ? undefined : await readChainKey(chainKeyFile);
  const ends: FileEnd[] = [];
  const { records, problem, end } = await checkChain(readLines(files, ends), { chainKey });
  if (problem === undefined && records > 0) {
    const ended = end === 'closed';
    const hint =
      end === 'open' && chainKey === undefined ? '; --chain-key-file shows it, if the log has a chain key' : '';
    const text = ended
      ? 'no line is missing or changed'
      : `none between the first and the last is missing or changed; the log has no end (\`closed\`), so lines may be missing after the last${hint}`;
    printResult(run.io, json, { ok: true, records, ended }, `ok: ${String(records)} records, and ${text}`);
    return;
  }
  run.exitCode = 3;
  if (problem === undefined) {
    printResult(run.io, json, { ok: false, records, reason: 'holds no records' }, 'broken: there are no records');
    return;
  }
  const { reason: found } = problem;
  const reason = found === WRONG_MAC && isTextOfKey(chainKey) ? `${found}; ${RAW_KEY}` : found;
  const { file, line } = findPlace(ends, problem.line);
  const text = `broken: ${quotePath(file)}, line ${String(line)}, ${reason}`;
  printResult(run.io, json, { ok: false, records, file, brokenAt: line, reason }, text);
}

async function* readLines(files: readonly string[], ends: FileEnd[]): AsyncGenerator<string> {
  let lastLine = 0;
  for (const file of files) {
    try {
      const lines = createInterface({ input: createReadStream(file), crlfDelay: Infinity });
      for await (const line of lines) {
        lastLine++;
        yield line;
      }
    } catch (error) {
      throw createReadError(file, error);
    }
    ends.push({ file, lastLine });
  }
}

function findPlace(ends: readonly FileEnd[], line: number): { file: string; line: number } {
  const index = ends.findIndex(({ lastLine }) => line <= lastLine);
  return { file: ends[index]?.file ?? '', line: line - (ends[index - 1]?.lastLine ?? 0) };
}

/** Returns whether a chain key is text that may stand for 32 bytes. */
function isTextOfKey(chainKey: Uint8Array = new Uint8Array()): boolean {
  return /^(?:[\da-f]{64}|[\w+/-]{43}=?)\s*$/i.test(Buffer.from(chainKey).toString('latin1'));
}

async function readChainKey(file: string): Promise<Uint8Array> {
  try {
    return await readGuarded(file, MAX_KEY_BYTES, { ownerOnly: false });
  } catch (error) {
    throw createReadError(file, error);
  }
}

function createReadError(file: string, error: unknown): CommandError {
  const { code } = error as { code?: unknown };
  const kind = typeof code === 'string' ? code : (readErrorName(error) ?? 'unknown');
  return new CommandError(`${quotePath(file, kind)} could not be read (${kind}); check the path and its mode.`);
}
