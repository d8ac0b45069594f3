/** Completion for four shells, written from the table of words; the scripts run nothing but the shell itself. */
import type { CommandWord, OptionWord } from "./words.ts";

export interface Words {
  readonly flags: readonly OptionWord[];
  readonly commands: readonly CommandWord[];
}

export const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;
export type Shell = (typeof SHELLS)[number];

const WRITERS: Readonly<Record<Shell, (words: Words) => string>> = { bash, zsh, fish, powershell };

export function completionScript(shell: Shell, words: Words): string {
  return WRITERS[shell](words);
}

const single = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
/** Without what a quoted word of any of the shells would end at. */
const plain = (text: string) =>
  text
    .replaceAll(/['"`$\\[\]:\n]/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim();

/** Words that may follow: `""` at the beginning, a command, a command and its subcommand. */
function followers({ flags, commands }: Words): readonly (readonly [path: string, words: readonly string[]])[] {
  const longs = (options: readonly OptionWord[]) => options.map(({ long }) => long);
  return [
    ["", [...commands.map(({ name }) => name), ...longs(flags)]],
    ...commands.flatMap(({ name, options, below }): [string, string[]][] => [
      [name, [...below.map((each) => each.name), ...longs(options)]],
      ...below.map((each): [string, string[]] => [`${name} ${each.name}`, longs(each.options)]),
    ]),
  ];
}

const valued = (flags: readonly OptionWord[]) =>
  flags.flatMap(({ long, short, values }) =>
    values?.length ? [{ names: short ? [long, short] : [long], values }] : [],
  );

function bash(words: Words): string {
  const below = words.commands.flatMap(({ name, below: sub }) => sub.map((each) => `${name} ${each.name}`));
  return `# bash completion for crucible: source <(crucible completion bash)
_crucible() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" path="" words=""
  COMPREPLY=()
  case "$prev" in
${valued(words.flags)
  .map(
    ({ names, values }) =>
      `    ${names.join("|")}) COMPREPLY=($(compgen -W ${single(values.join(" "))} -- "$cur")); return ;;`,
  )
  .join("\n")}
    --file|--image|-i|--debug-file|--cd|-C|--add-dir) COMPREPLY=($(compgen -f -- "$cur")); return ;;
  esac
  [ "$COMP_CWORD" -gt 1 ] && path="\${COMP_WORDS[1]}"
  if [ "$COMP_CWORD" -gt 2 ]; then
    case "\${COMP_WORDS[1]} \${COMP_WORDS[2]}" in
      ${below.map(single).join("|") || "''"}) path="\${COMP_WORDS[1]} \${COMP_WORDS[2]}" ;;
    esac
  fi
  case "$path" in
${followers(words)
  .filter(([path]) => path !== "")
  .map(([path, list]) => `    ${single(path)}) words=${single(list.join(" "))} ;;`)
  .join("\n")}
    *) words=${single(followers(words)[0]?.[1].join(" ") ?? "")} ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _crucible crucible
`;
}

function zsh({ flags, commands }: Words): string {
  const described = (list: readonly { readonly name: string; readonly about: string }[]) =>
    list.map(({ name, about }) => single(`${name}:${plain(about)}`)).join(" ");
  const args = (options: readonly OptionWord[]) =>
    options
      .flatMap(({ long, short, about, values }) => {
        const action = values === undefined ? "" : `:value:${values.length > 0 ? `(${values.join(" ")})` : "_files"}`;
        return (short ? [long, short] : [long]).map((name) => single(`${name}[${plain(about)}]${action}`));
      })
      .join(" ");
  const cases = commands.map(({ name, options, below }) => {
    const own = `_arguments ${args(options) || "''"} '*:file:_files'`;
    if (below.length === 0) return `    ${name}) ${own} ;;`;
    const subs = below.map((each) => `      ${each.name}) _arguments ${args(each.options) || "''"} '*:file:_files' ;;`);
    return `    ${name})
      if (( CURRENT == 3 )); then local -a subs=(${described(below)}); _describe command subs; fi
      case "\${words[3]}" in
${subs.join("\n")}
      *) ${own} ;;
      esac ;;`;
  });
  return `#compdef crucible
# zsh completion for crucible: crucible completion zsh > "\${fpath[1]}/_crucible"
_crucible() {
  local -a commands=(${described(commands)})
  if (( CURRENT == 2 )) && [[ "\${words[2]}" != -* ]]; then _describe command commands; return; fi
  case "\${words[2]}" in
${cases.join("\n")}
    *) _arguments ${args(flags)} '*:prompt:_files' ;;
  esac
}
if [ "$funcstack[1]" = "_crucible" ]; then _crucible "$@"; else compdef _crucible crucible; fi
`;
}

function fish({ flags, commands }: Words): string {
  const option =
    (condition: string) =>
    ({ long, short, about, values }: OptionWord) =>
      `complete -c crucible ${condition} -l ${long.slice(2)}${short ? ` -s ${short.slice(1)}` : ""} -d ${single(plain(about))}${values === undefined ? "" : values.length > 0 ? ` -x -a ${single(values.join(" "))}` : " -r"}`;
  const top = "-n __fish_use_subcommand";
  const lines = [
    "# fish completion for crucible: crucible completion fish > ~/.config/fish/completions/crucible.fish",
    `complete -c crucible ${top} -f`,
    ...commands.map(({ name, about }) => `complete -c crucible ${top} -a ${name} -d ${single(plain(about))}`),
    ...flags.map(option(top)),
    ...commands.flatMap(({ name, options, below }) => {
      const seen = `-n '__fish_seen_subcommand_from ${name}'`;
      return [
        ...below.map((each) => `complete -c crucible ${seen} -a ${each.name} -d ${single(plain(each.about))}`),
        ...options.map(option(seen)),
        ...below.flatMap((each) =>
          each.options.map(
            option(`-n '__fish_seen_subcommand_from ${name}; and __fish_seen_subcommand_from ${each.name}'`),
          ),
        ),
      ];
    }),
  ];
  return `${lines.join("\n")}\n`;
}

function powershell(words: Words): string {
  const rows = followers(words).map(
    ([path, list]) =>
      `    ${single(path).replaceAll("'\\''", "''")} = @(${list.map((word) => `'${word}'`).join(", ")})`,
  );
  return `# PowerShell completion for crucible: crucible completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName crucible -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $table = @{
${rows.join("\n")}
  }
  $given = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { "$_" } | Where-Object { $_ -ne $wordToComplete })
  $path = ($given | Select-Object -First 2) -join ' '
  if (-not $table.ContainsKey($path)) { $path = "$($given | Select-Object -First 1)" }
  if (-not $table.ContainsKey($path)) { $path = '' }
  $table[$path] | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}
`;
}
