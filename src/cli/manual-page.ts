/** The manual page in man(7) form. */

import { EXAMPLES } from "./examples.ts";
import { MEANINGS } from "./exit-codes.ts";
import { type CommandWord, flagWords, type OptionWord } from "./words.ts";

/** Text of a line: nothing in it is taken for a request or an escape. */
const plain = (text: string) => {
  const safe = text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll('"', "\\(dq");
  return /^[.']/.test(safe) ? `\\&${safe}` : safe;
};

export function manualPage(version: string, commands: readonly CommandWord[]): string {
  const option = ({ long, short, about, values }: OptionWord) => {
    const value = values === undefined ? "" : values.length > 0 ? ` ${values.join("|")}` : " VALUE";
    return `.TP\n.B ${plain(`${short ? `${short}, ` : ""}${long}${value}`)}\n${plain(about)}`;
  };
  const command = ({ name, about, options, below }: CommandWord): string =>
    [
      `.SS ${plain(`crucible ${name}`)}\n${plain(about)}`,
      ...options.map(option),
      ...below.map(
        (each) =>
          `.TP\n.B ${plain([name, each.name, ...each.options.map(({ long }) => `[${long}]`)].join(" "))}\n${plain(each.about)}`,
      ),
    ].join("\n");
  return [
    `.TH CRUCIBLE 1 "" "codecrucible ${version}" "User Commands"`,
    ".SH NAME\ncrucible \\- a coding agent for people who run their own models",
    ".SH SYNOPSIS\n.B crucible\n[flags] [prompt]\n.br\n.B crucible\ncommand [options]",
    `.SH EXAMPLES\n${EXAMPLES.map(([line, about]) => `.TP\n.B ${plain(line)}\n${plain(about)}`).join("\n")}`,
    `.SH FLAGS\n${flagWords().map(option).join("\n")}`,
    `.SH COMMANDS\n${commands.map(command).join("\n")}`,
    `.SH EXIT STATUS\n${MEANINGS.map(([code, text]) => `.TP\n.B ${code}\n${plain(text)}`).join("\n")}`,
    "",
  ].join("\n");
}
