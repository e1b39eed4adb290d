import type { Command, CommanderError } from 'commander';
import { report, Secrets, UsageError } from './errors.js';
import type { CliIo } from './io.js';
import { buildProgram } from './program.js';

/**
 * Runs one command line.
 *
 * @param argv - the arguments after the program's name
 * @param io - the streams and the environment
 * @returns the exit code: 0 done, 1 failed, 2 used wrongly
 */
export async function main(argv: readonly string[], io: CliIo): Promise<number> {
  const secrets = new Secrets();
  const verbose = argv.includes('--verbose');
  try {
    const { program, exitCode } = await buildProgram(io, secrets);
    if (argv.length === 0) {
      io.stderr.write(program.helpInformation());
      return 2;
    }
    try {
      await program.parseAsync([...argv], { from: 'user' });
    } catch (error) {
      if (!isCommanderError(error)) throw error;
      if (error.exitCode === 0) return 0;
      throw usageOf(error, program, argv);
    }
    return exitCode();
  } catch (error) {
    return report(io, error, secrets, verbose);
  }
}

function isCommanderError(error: unknown): error is CommanderError {
  return (
    error instanceof Error && 'exitCode' in error && 'code' in error && String(error.code).startsWith('commander.')
  );
}

/** Commander repeats what was typed, and that may be a key: only names of options survive. */
function usageOf({ code, message }: CommanderError, program: Command, argv: readonly string[]): UsageError {
  const named = program.commands.find((candidate) => candidate.name() === argv[0]);
  const within = named?.commands.find((candidate) => candidate.name() === argv[1]);
  const command = [named, within].flatMap((found) => found?.name() ?? []).join(' ');
  const help = `Run \`goldkey${command === '' ? '' : ` ${command}`} --help\`.`;
  switch (code) {
    case 'commander.unknownOption': {
      const flag = /^error: unknown option '(--[a-z][a-z-]{1,30})(?:=.*)?'/.exec(message)?.[1];
      const meant = /\(Did you mean ([^)]+)\?\)/.exec(message)?.[1];
      const suggestion = meant === undefined ? '' : ` Did you mean ${meant}?`;
      return new UsageError(`There is no option ${flag ?? 'of that name'}.${suggestion} ${help}`);
    }
    case 'commander.unknownCommand':
      return new UsageError(
        `There is no such command; there are ${(named ?? program).commands.map((known) => known.name()).join(', ')}. ${help}`,
      );
    case 'commander.excessArguments': {
      const advice =
        'A key never comes from the command line, where others see it: use a prompt, a pipe or --key-file.';
      return new UsageError(
        `Too many arguments.${['encrypt', 'rotate init', 'rotate stage'].includes(command) ? ` ${advice}` : ''} ${help}`,
      );
    }
    case 'commander.invalidArgument': {
      const flag = /option '[^']*?(--[a-z-]+)/.exec(message)?.[1] ?? 'an argument';
      const choices = /Allowed choices are ([^.]+)\./.exec(message)?.[1];
      return new UsageError(`${flag} has a wrong value${choices === undefined ? '' : `: choose ${choices}`}. ${help}`);
    }
    default:
      // Missing options and arguments, conflicts: made of names alone.
      return new UsageError(`${message.replace(/^error: /, '')}. ${help}`);
  }
}
