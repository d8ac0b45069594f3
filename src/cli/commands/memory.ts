/** `crucible memory`: what is remembered of this folder: shown, added to, edited, taken out. */
import type { Command } from "commander";
import { CrucibleError } from "../../base/error.ts";
import type { CommandContext } from "../../core/ports/cli.ts";
import type { MemoryView } from "../../core/ports/extensions.ts";
import { editText } from "../desktop.ts";
import { workFolder } from "../files.ts";
import { harmless } from "../output.ts";

export default function memory(command: Command, context: CommandContext, finish: (code: number) => void): void {
  const open = async (): Promise<MemoryView> => {
    const app = await context.makeApp({ workspace: workFolder(undefined), bare: true, flags: new Map() });
    return app.memory();
  };
  command
    .command("list", { isDefault: true })
    .description("your own lines, numbered, and what spirals learned here")
    .option("--json", "machine-readable")
    .action(async (options: { json?: boolean }) => {
      const view = await open();
      const [lines, lessons] = [view.list(), await view.lessons()];
      if (options.json) print(JSON.stringify({ file: view.file, memory: lines, lessons }));
      else print(shown(lines, lessons));
      finish(0);
    });
  command
    .command("add <words...>")
    .description("remember a line")
    .action(async (words: string[]) => {
      (await open()).add(words.join(" "));
      finish(0);
    });
  command
    .command("edit")
    .description("change it in $EDITOR")
    .action(async () => {
      const view = await open();
      const text = editText(
        view
          .list()
          .map((line) => `${line}\n`)
          .join(""),
        context.env,
      );
      view.replace(text.split("\n"));
      finish(0);
    });
  command
    .command("rm <number>")
    .description("forget a line")
    .action(async (number: string) => {
      const view = await open();
      const lines = view.list();
      const at = Number(number) - 1;
      if (lines[at] === undefined)
        throw new CrucibleError("usage", `there is no line ${number}`, { hint: "see: crucible memory list" });
      view.replace(lines.toSpliced(at, 1));
      print(`forgotten: ${harmless(lines[at])}`);
      finish(0);
    });
}

function shown(lines: readonly string[], lessons: readonly string[]): string {
  const own = lines.map((line, index) => `${String(index + 1).padStart(3)}  ${harmless(line)}`);
  const learned = lessons.map((line) => `  -  ${harmless(line)}`);
  return [
    ...(own.length === 0 ? ["nothing is remembered here yet: crucible memory add words"] : own),
    ...(learned.length === 0 ? [] : ["learned by spirals (their words, not yours):", ...learned]),
  ].join("\n");
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
