import type { Command } from 'commander';
import { listHelp } from '../help.js';
import { print, type CliIo } from '../io.js';

/** Prints the manual page, goldkey(1), from the same texts as `--help`. */
export function manPage(io: CliIo, program: Command): void {
  const name = `goldkey ${String(program.version())}`;
  print(
    io,
    [
      `.TH GOLDKEY 1 "" "${name}" "goldkey"`,
      '.SH NAME',
      `goldkey \\- ${escapeRoff(program.description())}`,
      '.SH SYNOPSIS',
      '.B goldkey',
      '.I command',
      '[options]',
      '.SH COMMANDS',
      ...program.commands.flatMap((command) => describe(program, command, [command.name()])),
      ...describeHelp([]),
      '.SH EXIT STATUS',
      ...[
        ['0', 'done'],
        ['1', 'failed'],
        ['2', 'wrong usage'],
        ['3', 'a condition holds: a rotation is due, a log is broken, a key was found, a check failed'],
        ['130', 'interrupted by Ctrl-C; 129 or 143 by another signal, in a command that writes'],
      ].flatMap(([code = '', meaning = '']) => ['.TP', code, meaning]),
    ].join('\n'),
  );
}

function describe(program: Command, command: Command, path: readonly string[]): string[] {
  const help = program.createHelp();
  if (!help.visibleCommands(command.parent ?? program).includes(command)) return [];
  const usage = ['goldkey', ...path, command.commands.length > 0 ? '' : command.usage()].join(' ').trim();
  const options = command.options.filter(({ hidden }) => !hidden);
  return [
    `.SS ${escapeRoff(usage)}`,
    escapeRoff(command.description()),
    ...options.flatMap(({ flags, description }) => ['.TP', `.B ${escapeRoff(flags)}`, escapeRoff(description)]),
    ...describeHelp(path),
    ...command.commands.flatMap((child) => describe(program, child, [...path, child.name()])),
  ];
}

function describeHelp(path: readonly string[]): string[] {
  return Object.entries(listHelp(path)).flatMap(([title, lines]) =>
    lines.length === 0
      ? []
      : [
          path.length === 0 ? `.SH ${title.toUpperCase()}` : '.PP',
          ...(path.length === 0 ? [] : [`${title}:`]),
          '.nf',
          ...lines.map(escapeRoff),
          '.fi',
        ],
  );
}

/** Returns a text as troff shows it: no line may begin with a point or an apostrophe. */
function escapeRoff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/^(?=[.'])/gm, '\\&');
}
