/** `crucible update --check`: asks the package registry for the newest version. It is the only command that does. */
import type { Command } from "commander";
import { CrucibleError } from "../../base/error.ts";
import type { CommandContext } from "../../core/ports/cli.ts";
import { workFolder } from "../files.ts";

const REGISTRY = "https://registry.npmjs.org";

export default function update(command: Command, context: CommandContext, finish: (code: number) => void): void {
  command
    .option("--check", "ask the registry; without it nothing is contacted")
    .option("--registry <address>", "another registry than npm's", REGISTRY)
    .option("--json", "machine-readable")
    .action(async ({ check, registry, json }: { check?: boolean; registry: string; json?: boolean }) => {
      if (!check)
        throw new CrucibleError("usage", "nothing is updated from here", {
          hint: "npm install -g codecrucible@latest; crucible update --check only asks for the newest version",
        });
      const app = await context.makeApp({ workspace: workFolder(undefined), bare: true, flags: new Map() });
      const newest = await app.newestVersion(registry);
      const newer = isNewer(newest, context.version);
      const words = newer
        ? `${newest} is there; this is ${context.version}. Update with: npm install -g codecrucible@latest`
        : `this is ${context.version}, the newest there is`;
      process.stdout.write(json ? `${JSON.stringify({ version: context.version, newest, newer })}\n` : `${words}\n`);
      finish(0);
    });
}

/** By semantic versioning (semver.org 2.0.0, 11); a pre-release is older than its release. */
export function isNewer(other: string, own: string): boolean {
  const parts = (text: string) => (text.split(/[-+]/)[0] ?? "").split(".").map(Number);
  const [a, b] = [parts(other), parts(own)];
  for (let at = 0; at < 3; at++) if (a[at] !== b[at]) return (a[at] ?? 0) > (b[at] ?? 0);
  return own.includes("-") && !other.includes("-");
}
