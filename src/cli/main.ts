import type { Command, CommanderError } from 'commander';
import { isError, isQuotable } from '../core/index.js';
import { InterruptedError, reportError, UsageError } from './errors.js';
import type { CliIo, CliRun, EndSignal } from './io.js';
import { buildProgram } from './program.js';

/** The commands that read a key, which a user may try to give as an argument. */
const READS_KEY: ReadonlySet<string> = new Set([
  'goldkey encrypt',
  'goldkey put',
  'goldkey rotate init',
  'goldkey rotate stage',
  'goldkey scan',
]);
const KEY_ADVICE = 'A key never comes from the command line, where others see it';
const KEY_WAYS = 'use the prompt, stdin (a pipe) or --key-file';
/** The words in the names of options that a user may expect to take a key. */
const KEY_WORDS = ['key', 'apikey', 'secret', 'token', 'password', 'plaintext'];
/** The exit codes of signals. A command that changes nothing listens to Ctrl-C alone: the others may end it at once. */
const SIGNALS: Readonly<Record<EndSignal, number>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };
/** Sentences about what a signal leaves behind, by the first word of the command; the others change nothing. */
const INTERRUPTED: ReadonlyMap<string, string> = new Map([
  ['rotate', 'Interrupted: see with `npx goldkey rotate status` how far it came, then run the step again.'],
  ['copy', 'Interrupted: the key may have been written; run it again to be sure.'],
  ['put', 'Interrupted: the key may have been written; run it again to be sure.'],
  ['create-key', 'Interrupted: the master key may have been made; run it again, which is safe.'],
]);

/**
 * Runs one command line.
 *
 * @param argv - the arguments after the program's name
 * @param io - the streams and the environment
 * @returns the exit code: 0 done, 1 failed, 2 wrong usage, 3 a condition holds, 130 interrupted by Ctrl-C,
 *   129 or 143 by another signal. After these the command may still run: the caller ends the process
 */
export async function main(argv: readonly string[], io: CliIo): Promise<number> {
  const run: CliRun = { io, argv, secrets: [], exitCode: 0 };
  const sentence = INTERRUPTED.get(argv[0] ?? '');
  const signals: readonly EndSignal[] = sentence === undefined ? ['SIGINT'] : ['SIGINT', 'SIGTERM', 'SIGHUP'];
  let interrupt: (signal: EndSignal) => void = () => undefined;
  const interrupted = new Promise<never>((_, reject) => {
    interrupt = (signal) => {
      reject(new InterruptedError(sentence ?? 'Interrupted.', SIGNALS[signal]));
    };
  });
  for (const signal of signals) io.on?.(signal, interrupt);
  try {
    return await Promise.race([runCommand(argv, run), interrupted]);
  } catch (error) {
    return reportError(io, error, { secrets: run.secrets, argv });
  } finally {
    for (const signal of signals) io.off?.(signal, interrupt);
  }
}

async function runCommand(given: readonly string[], run: CliRun): Promise<number> {
  const { io } = run;
  const program = await buildProgram(run);
  if (given.length === 0) {
    io.stderr.write(program.helpInformation());
    return 2;
  }
  // `help rotate stage` is `rotate stage --help`.
  const argv = given[0] === 'help' && given.length > 2 ? [...given.slice(1), '--help'] : given;
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!isCommanderError(error)) throw error;
    if (error.exitCode === 0) return 0;
    throw createUsageError(error, program, argv);
  }
  return run.exitCode;
}

function isCommanderError(error: unknown): error is CommanderError {
  return isError(error) && String((error as { code?: unknown }).code).startsWith('commander.');
}

/** Rewrites an error of commander, whose message repeats the typed text: only names of options and commands remain. */
function createUsageError({ code, message }: CommanderError, program: Command, argv: readonly string[]): UsageError {
  const path = [program];
  for (const word of argv.slice(0, 2)) {
    path.push(...(path.at(-1)?.commands.filter((command) => command.name() === word) ?? []));
  }
  const name = path.map((command) => command.name()).join(' ');
  const last = path.at(-1) ?? program;
  const visible = last.createHelp().visibleCommands(last);
  const commands = visible.map((command) => command.name()).join(', ');
  const [flag = 'an option', other = 'another'] = message.match(/(?<=option ')--[a-z-]+/g) ?? [];
  const typed = /^error: unknown option '--([a-z][a-z-]{1,30})(?:=.*)?'/.exec(message)?.[1] ?? '';
  const unknown = typed !== '' && isQuotable(typed) ? `--${typed}` : 'of that name';
  const similar = /\((Did you mean [^)]+\?)\)/.exec(message)?.[1];
  // Never --key-id: a key that follows it is sent to KMS, as the id of a KMS key.
  const takesKey =
    typed.split('-').some((word) => KEY_WORDS.includes(word)) && similar?.includes('--key-file') !== true;
  const readsKey = READS_KEY.has(name);
  const keyAdvice = readsKey ? `${KEY_ADVICE}: ${KEY_WAYS}.` : `${KEY_ADVICE}.`;
  const advice = takesKey || (readsKey && unknown === 'of that name') ? keyAdvice : (similar ?? '');
  const choices = /Allowed choices are ([^.]+)\./.exec(message)?.[1];
  const texts: Readonly<Record<string, string>> = {
    unknownOption: `There is no option ${unknown}. ${advice}`.trim(),
    unknownCommand:
      similar === undefined
        ? `There is no such command; there are ${commands}.`
        : `There is no such command. ${similar}`,
    excessArguments: `Too many arguments.${readsKey ? ` ${keyAdvice}` : ''}`,
    invalidArgument: `${flag} has a wrong value${choices === undefined ? '' : `: choose ${choices}`}.`,
    conflictingOption: `${flag} and ${other} cannot be used together: remove one of them.`,
    optionMissingArgument: `${flag} needs a value.`,
    missingArgument: 'An argument is missing.',
  };
  const text = texts[code.replace('commander.', '')] ?? `A command is required, one of ${commands}.`;
  return new UsageError(text, `Run \`npx ${name} --help\`.`);
}
