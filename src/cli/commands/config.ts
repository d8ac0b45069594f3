/** `crucible config get|set|path|show`. */
import type { Command } from "commander";
import { CrucibleError } from "../../base/error.ts";
import { nearest } from "../../base/text.ts";
import type { CommandContext } from "../../core/ports/cli.ts";
import { workFolder } from "../files.ts";
import { table } from "../table.ts";

export default function config(command: Command, context: CommandContext, finish: (code: number) => void): void {
  const load = async () =>
    (await context.makeApp({ workspace: workFolder(undefined), bare: false, flags: new Map() })).config;
  command
    .command("get <key>")
    .description("the value that counts")
    .action(async (key: string) => {
      const { settings } = await load();
      const setting = settings.get(key);
      if (!setting) {
        const near = nearest(key, [...settings.keys()]);
        throw new CrucibleError("usage", `unknown key ${key}`, {
          hint: near ? `did you mean ${near}?` : "see: crucible config show",
        });
      }
      process.stdout.write(
        `${typeof setting.value === "string" ? setting.value : (JSON.stringify(setting.value) ?? "")}\n`,
      );
      finish(0);
    });
  command
    .command("set <key> <value>")
    .description("set a key in your own file")
    .action(async (key: string, value: string) => {
      process.stdout.write(`${key} set in ${await (await load()).set(key, value)}\n`);
      finish(0);
    });
  command
    .command("path")
    .description("where configuration, data and state are")
    .action(async () => {
      const { places } = await load();
      process.stdout.write(
        table([
          ["config", `${places.config}/config.jsonc`],
          ["data", places.data],
          ["state", places.state],
          ["managed", `${places.managed}/managed.json`],
        ]),
      );
      finish(0);
    });
  command
    .command("show")
    .description("every key with its value")
    .option("--origin", "and where it comes from")
    .option("--json", "machine-readable")
    .action(async (options: { origin?: boolean; json?: boolean }) => {
      const { settings } = await load();
      if (options.json) process.stdout.write(`${JSON.stringify(Object.fromEntries(settings))}\n`);
      else
        process.stdout.write(
          table(
            [...settings].map(([key, { value, origin }]) => [
              key,
              JSON.stringify(value) ?? "-",
              ...(options.origin ? [origin] : []),
            ]),
          ),
        );
      finish(0);
    });
}
