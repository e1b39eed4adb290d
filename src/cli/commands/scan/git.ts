import { spawn } from 'node:child_process';
import { isQuotablePath, quotePath } from '../../../util/quote-path.js';
import { CommandError } from '../../errors.js';
import { ByteReader } from './byte-reader.js';

/** An object of a repository, and where it is known to stand. */
export interface GitObject {
  readonly id: string;
  readonly type: string;
  readonly size: number;
  /** Its content, to be read before the next object. */
  readonly content: AsyncIterable<Uint8Array>;
}

/** The commit that brought an object, and its path there. */
export interface Origin {
  readonly commit: string;
  readonly path: Buffer;
}

/** Options that keep Git from running programs that a repository's configuration names, and from the network. */
const SAFE = ['-c', 'core.fsmonitor=false', '-c', 'log.showSignature=false', '--no-pager', '--no-replace-objects'];
const ENVIRONMENT = { GIT_OPTIONAL_LOCKS: '0', GIT_NO_LAZY_FETCH: '1', LC_ALL: 'C' };
/** Objects that are looked up in one walk of the history. */
const BATCH = 200;
const MAX_LINE = 65_536;

/** Reads every object of a repository once, also those that only the reflog, a stash or nothing names any more. */
export async function* readObjects(repository: string): AsyncGenerator<GitObject> {
  yield* readBatch(repository, ['--batch-all-objects', '--unordered'], '');
}

/** Reads the staged files that differ from the last commit, with their paths. */
export async function* readStaged(repository: string): AsyncGenerator<GitObject & { readonly path: Buffer }> {
  const raw = ['--raw', '--no-abbrev', '--no-renames', '-z', '--diff-filter=ACMT', '--ignore-submodules'];
  // Outside of a repository `diff` compares files, and complains of its options.
  await findObjects(repository);
  const changes = await collect(repository, ['diff', '--cached', '--no-ext-diff', '--no-textconv', ...raw]);
  const fields = splitZeros(changes);
  const staged: Array<{ id: string; path: Buffer }> = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const id = (fields[at] as Buffer).toString('latin1').split(' ')[3];
    if (id !== undefined) staged.push({ id, path: fields[at + 1] as Buffer });
  }
  const ids = staged.map(({ id }) => `${id}\n`).join('');
  let index = 0;
  for await (const object of readBatch(repository, [], ids)) {
    yield { ...object, path: (staged[index++] as (typeof staged)[number]).path };
  }
}

/** Returns the folder of a repository's objects. */
export async function findObjects(repository: string): Promise<string> {
  const output = await collect(repository, ['rev-parse', '--path-format=absolute', '--git-path', 'objects']);
  return output.toString().trimEnd();
}

/** Finds the first commit that brought each object, and its path there. What nothing names any more has none. */
export async function findOrigins(repository: string, ids: readonly string[]): Promise<Map<string, Origin>> {
  const origins = new Map<string, Origin>();
  const raw = ['--raw', '-t', '-m', '--root', '--no-abbrev', '--no-renames', '-z', '--format=%x00%H'];
  for (let at = 0; at < ids.length; at += BATCH) {
    const wanted = ids.slice(at, at + BATCH);
    const objects = wanted.map((id) => `--find-object=${id}`);
    const scope = ['log', '--all', '--reflog', '--topo-order', '--no-ext-diff', '--no-textconv', ...raw];
    let commit = '';
    const fields = splitZeros(await collect(repository, [...scope, ...objects]));
    for (let field = 0; field < fields.length; field++) {
      const text = (fields[field] as Buffer).toString('latin1').trim();
      const id = text.startsWith(':') ? text.split(' ')[3] : undefined;
      if (id === undefined) commit = text.length >= 40 && !text.includes(' ') ? text : commit;
      // The oldest comes last.
      else if (wanted.includes(id)) origins.set(id, { commit, path: fields[++field] as Buffer });
      else field++;
    }
  }
  return origins;
}

async function* readBatch(repository: string, options: readonly string[], input: string): AsyncGenerator<GitObject> {
  const git = run(repository, ['cat-file', '--batch', '--buffer', ...options], input);
  const reader = new ByteReader(git.output);
  for (let line = await reader.readLine(MAX_LINE); line !== undefined; line = await reader.readLine(MAX_LINE)) {
    const [id = '', type = '', length = ''] = line.split(' ');
    const size = Number(length);
    if (!Number.isInteger(size)) continue;
    const content = reader.take(size);
    yield { id, type, size, content };
    // Passes over the rest that the caller has not read, and the end of the line.
    for await (const _ of content);
    await reader.read(1);
  }
  await git.ended;
}

async function collect(repository: string, options: readonly string[]): Promise<Buffer> {
  const git = run(repository, options, '');
  const chunks: Uint8Array[] = [];
  for await (const chunk of git.output) chunks.push(chunk);
  await git.ended;
  return Buffer.concat(chunks);
}

function run(
  repository: string,
  options: readonly string[],
  input: string,
): { output: AsyncIterable<Uint8Array>; ended: Promise<void> } {
  const env = { ...process.env, ...ENVIRONMENT };
  const git = spawn('git', ['-C', repository, ...SAFE, ...options], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  let complaint = '';
  git.stderr.on('data', (chunk: Buffer) => {
    if (complaint.length < MAX_LINE) complaint += chunk.toString();
  });
  const ended = new Promise<void>((resolve, reject) => {
    git.on('error', () =>
      reject(new CommandError('Git could not be started: install it, or scan without --git and --staged.')),
    );
    git.on('close', (code) => {
      if (code === 0) return resolve();
      // Git quotes the path, which may be a key that was typed in place of one.
      const [reason = ''] = isQuotablePath(repository) ? complaint.split('\n') : ['check its path'];
      reject(
        new CommandError(`Git could not read the repository at ${quotePath(repository)}: ${reason || 'it failed'}.`),
      );
    });
  });
  // Awaited at the end of the output.
  ended.catch(() => undefined);
  git.stdin.on('error', () => undefined);
  git.stdin.end(input);
  return { output: git.stdout, ended };
}

function splitZeros(bytes: Buffer): Buffer[] {
  const fields: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(0, at);
    const next = end < 0 ? bytes.length : end;
    fields.push(bytes.subarray(at, next));
    at = next + 1;
  }
  return fields;
}
