/** `crucible worktree`: list, remove: the worktrees that sessions of this repository work in. */
import type { Command } from "commander";
import type { CommandContext } from "../../core/ports/cli.ts";
import { workFolder } from "../files.ts";
import { table } from "../table.ts";

export default function worktree(command: Command, context: CommandContext, finish: (code: number) => void): void {
  const open = async () => {
    const app = await context.makeApp({ workspace: workFolder(undefined), bare: true, flags: new Map() });
    return app.worktrees();
  };
  command
    .command("list", { isDefault: true })
    .description("those of this repository, newest first")
    .option("--json", "machine-readable")
    .action(async (options: { json?: boolean }) => {
      const all = (await open()).list();
      if (options.json) process.stdout.write(`${JSON.stringify(all)}\n`);
      else if (all.length === 0) process.stdout.write("no worktrees here; one begins with: crucible -w\n");
      else
        process.stdout.write(
          table([
            ["NAME", "BRANCH", "BEGUN", "STATE", "FOLDER"],
            ...all.map(({ name, branch, at, live, state, path }) => [
              name,
              branch,
              new Date(at).toISOString().slice(0, 16).replace("T", " "),
              live ? "in use" : state === "ready" ? "kept" : "unfinished",
              path,
            ]),
          ]),
        );
      finish(0);
    });
  command
    .command("remove")
    .description("remove folder and branch; what is not merged only with --force")
    .argument("<name>")
    .option("--force", "also work that is not merged or not committed")
    .action(async (name: string, options: { force?: boolean }) => {
      await (await open()).remove(name, { force: options.force === true }, AbortSignal.timeout(120_000));
      process.stdout.write(`worktree ${name} removed\n`);
      finish(0);
    });
}
