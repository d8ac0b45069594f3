/** The help text, made from the tables it describes. */
import { COMMANDS } from "./commands.ts";
import { EXAMPLES } from "./examples.ts";
import { MEANINGS } from "./exit-codes.ts";
import { FLAGS, type Flag, type Work } from "./flags.ts";

export function helpText(version: string): string {
  const flags = flagRows(undefined);
  const commands = Object.entries(COMMANDS).map(([name, { about }]) => row(name, about));
  return `codecrucible ${version}: a local-first coding agent

${EXAMPLES.map(([line, about]) => row(line, about)).join("\n")}

Commands
${commands.join("\n")}

Flags (each has a variable: --max-turns is CODECRUCIBLE_MAX_TURNS)
${flags.join("\n")}

Of a council (crucible council, or --council before the work)
${flagRows("council").join("\n")}

Of a spiral (crucible spiral "larger work")
${flagRows("spiral").join("\n")}

Of a review (crucible review)
${flagRows("review").join("\n")}

Exit codes
${MEANINGS.map(([code, text]) => row(String(code), text)).join("\n")}
`;
}

function flagRows(work: Work | undefined): string[] {
  return Object.entries<Flag>(FLAGS).flatMap(([name, flag]) => {
    if (work === undefined ? flag.of !== undefined : !flag.of?.includes(work)) return [];
    const values = flag.choices?.join("|") ?? flag.values ?? "";
    const value = flag.kind === "switch" ? "" : values.startsWith("[=") ? values : ` ${values}`;
    return row(`${flag.short ? `-${flag.short}, ` : "    "}--${name}${value}`, flag.about);
  });
}

function row(left: string, right: string): string {
  return left.length > 34 ? `  ${left}\n  ${" ".repeat(36)}${right}` : `  ${left.padEnd(36)}${right}`;
}
