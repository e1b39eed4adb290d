import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import { print, type CliIo } from '../io.js';

/** A command and what may follow it. */
interface Node {
  /** The words after `goldkey`. */
  readonly path: string;
  readonly words: readonly Word[];
}

/** A command's name, an option or a choice. */
interface Word {
  readonly text: string;
  readonly about: string;
}

const SHELLS: Readonly<Record<string, (nodes: readonly Node[]) => string>> = {
  bash: formatBash,
  zsh: formatZsh,
  fish: formatFish,
};

/** Prints the script that lets a shell complete commands, options and the names of price APIs. */
export function completion(io: CliIo, program: Command, shell: string): void {
  const format = Object.hasOwn(SHELLS, shell) ? SHELLS[shell] : undefined;
  if (format === undefined) throw new UsageError(`Choose a shell: ${Object.keys(SHELLS).join(', ')}.`);
  print(io, format([...listNodes(program)]));
}

function* listNodes(command: Command, path: readonly string[] = []): Generator<Node> {
  const help = command.createHelp();
  const children = help.visibleCommands(command);
  const options = help
    .visibleOptions(command)
    .flatMap(({ long, description }) => [{ text: long ?? '', about: description }]);
  const words = children.map((child) => ({ text: child.name(), about: child.description() })).concat(options);
  yield { path: path.join(' '), words: words.filter(({ text }) => text !== '') };
  for (const option of command.options) {
    const choices = (option.argChoices ?? []).map((text) => ({ text, about: '' }));
    if (choices.length > 0) yield { path: [...path, option.long ?? ''].join(' '), words: choices };
  }
  for (const child of children) yield* listNodes(child, [...path, child.name()]);
}

/** Lists the words of each place as the lines of a `case`. */
function formatCases(nodes: readonly Node[]): string {
  return nodes
    .map(({ path, words }) => `    '${path}') words='${words.map(({ text }) => text).join(' ')}' ;;`)
    .join('\n');
}

/** Returns the lines that find out which command has been typed: its one or two words, and an option before the cursor. */
function formatBash(nodes: readonly Node[]): string {
  return `# Completion of goldkey for bash.
_goldkey() {
  local current=\${COMP_WORDS[COMP_CWORD]} place='' words='' word index
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    case $word in -*) ;; *) if _goldkey_words "\${place:+$place }$word"; then place="\${place:+$place }$word"; fi ;; esac
  done
  case \${COMP_WORDS[COMP_CWORD-1]} in
    --*) if _goldkey_words "$place \${COMP_WORDS[COMP_CWORD-1]}"; then place="$place \${COMP_WORDS[COMP_CWORD-1]}"; fi ;;
  esac
  _goldkey_words "$place"
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
  if [ \${#COMPREPLY[@]} -eq 0 ]; then mapfile -t COMPREPLY < <(compgen -f -- "$current"); fi
}
_goldkey_words() {
  case $1 in
${formatCases(nodes)}
    *) return 1 ;;
  esac
}
complete -o filenames -F _goldkey goldkey`;
}

function formatZsh(nodes: readonly Node[]): string {
  return `#compdef goldkey
# Completion of goldkey for zsh.
autoload -U +X bashcompinit && bashcompinit
${formatBash(nodes)
  .split('\n')
  .slice(1)
  .join('\n')
  .replaceAll(/mapfile -t COMPREPLY < <\((.*)\)$/gm, 'COMPREPLY=($($1))')
  .replaceAll(/mapfile -t COMPREPLY < <\((.*)\); fi$/gm, 'COMPREPLY=($($1)); fi')}`;
}

function formatFish(nodes: readonly Node[]): string {
  const quoted = (text: string): string => `'${text.replaceAll(/['\\]/g, (character) => `\\${character}`)}'`;
  const lines = nodes.flatMap(({ path, words }) => {
    const names = path.split(' ').filter((word) => word !== '' && !word.startsWith('--'));
    const condition =
      names.length === 0
        ? '__fish_use_subcommand'
        : names.map((name) => `__fish_seen_subcommand_from ${name}`).join('; and ');
    const option = /--([a-z-]+)$/.exec(path)?.[1];
    if (option !== undefined) {
      const choices = words.map(({ text }) => text).join(' ');
      return [`complete -c goldkey -n '${condition}' -l ${option} -x -a ${quoted(choices)}`];
    }
    return words.map(({ text, about }) =>
      text.startsWith('--')
        ? `complete -c goldkey -n '${condition}' -l ${text.slice(2)} -d ${quoted(about)}`
        : `complete -c goldkey -n '${condition}' -f -a ${text} -d ${quoted(about)}`,
    );
  });
  return ['# Completion of goldkey for fish.', ...lines].join('\n');
}
