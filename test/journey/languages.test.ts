/** Errors that a language server tells after an edit, and where names are: with a real server, confined. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { call, type Journey, journey, lastText } from "../kit/journey.ts";

/** The native compiler of this repository speaks the protocol: `tsc --lsp`. */
const TYPESCRIPT = resolve(import.meta.dirname, "../../node_modules/typescript");
const FILES = {
  "package.json": '{"name":"work","type":"module"}\n',
  "tsconfig.json":
    '{"compilerOptions":{"strict":true,"module":"nodenext","allowImportingTsExtensions":true,"noEmit":true,"types":[]}}\n',
  "src/price.ts": "export function price(count: number): number {\n  return count * 2;\n}\n",
  "src/shop.ts": 'import { price } from "./price.ts";\n\nexport const total: number = price(3);\n',
};

/** A folder of the person's PATH that holds the server, outside the workspace. */
function installed(setting: Journey, script?: string): string {
  const bin = join(setting.home, "bin");
  mkdirSync(bin, { recursive: true });
  if (script === undefined) symlinkSync(join(TYPESCRIPT, "bin/tsc"), join(bin, "tsc"));
  else {
    writeFileSync(join(bin, "gopls"), script);
    chmodSync(join(bin, "gopls"), 0o755);
  }
  return `${bin}:${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`;
}

const wrong = call("edit", { path: "src/shop.ts", edits: [{ old: "price(3)", new: 'price("three")' }] });
const text = (setting: Journey, index: number) => lastText(setting.server.chats[index] ?? { body: {} });

describe.concurrent("a language server", () => {
  test("tells of the error that an edit made, of nothing once it is mended, and where names are", async () => {
    await using setting = await journey({
      files: FILES,
      script: [
        call("read", { path: "src/shop.ts" }),
        // The first edit may be too early for a server that still reads the project: then the next one tells.
        call("edit", { path: "src/shop.ts", edits: [{ old: "total: number", new: "sum: number" }] }),
        call("tool_call", { name: "references", input: { path: "src/price.ts", line: 1, name: "price" } }),
        wrong,
        call("edit", { path: "src/shop.ts", edits: [{ old: 'price("three")', new: "price(3)" }] }),
        call("tool_call", { name: "definition", input: { path: "src/shop.ts", line: 3, name: "price" } }),
        { text: "Done." },
      ],
    });
    const run = await setting.ask(["-p", "work"], { env: { PATH: installed(setting) } });
    expect(run.code).toBe(0);
    expect(text(setting, 3)).toMatch(/^1 place\n\S*shop\.ts:3: .*price\(3\)/);
    expect(text(setting, 4)).toMatch(/errors now \(language server\):\n\S*src\/shop\.ts:3: .*string.*number/);
    expect(text(setting, 5)).not.toContain("errors now");
    expect(text(setting, 6)).toMatch(/price\.ts:1: export function price/);
    const leases = setting.audit().filter(({ action }) => action === "lease-start");
    expect(leases).toHaveLength(1);
    expect(leases[0]).toMatchObject({ details: { profile: "workspace-read", readOnly: true, hosts: [] } });
  });

  test("one that never answers, and one that dies, add nothing and hold nothing up", async () => {
    for (const script of ["#!/bin/sh\nsleep 100\n", "#!/bin/sh\nexit 3\n"]) {
      await using setting = await journey({
        files: { "main.go": "package main\n" },
        script: [
          call("read", { path: "main.go" }),
          call("write", { path: "main.go", content: "package main\n\nvar x = 1\n" }),
          { text: "Done." },
        ],
      });
      const run = await setting.ask(["-p", "work"], { env: { PATH: installed(setting, script) } });
      expect(run.code).toBe(0);
      expect(text(setting, 2)).toMatch(/^replaced .*main\.go \(3 lines\)$/);
    }
  });

  test("the workspace's own is never started, nor any when it is off", async () => {
    await using setting = await journey({
      files: { "main.go": "package main\n" },
      script: (_request, index) =>
        index % 2 === 0 ? call("write", { path: `new${index}.go`, content: "package main\n" }) : { text: "Done." },
    });
    const own = join(setting.folder, "node_modules/.bin");
    mkdirSync(own, { recursive: true });
    const mark = join(setting.folder, "started");
    writeFileSync(join(own, "gopls"), `#!/bin/sh\ntouch ${mark}\nsleep 5\n`);
    chmodSync(join(own, "gopls"), 0o755);
    const path = `${own}:${dirname(process.execPath)}:/usr/bin:/bin`;
    await setting.ask(["-p", "work"], { env: { PATH: path } });
    expect(setting.audit().some(({ action }) => action === "lease-start")).toBe(false);
    await setting.run(["config", "set", "lsp.enabled", "off"]);
    await setting.ask(["-p", "work"], { env: { PATH: installed(setting, "#!/bin/sh\nsleep 5\n") } });
    expect(setting.audit().some(({ action }) => action === "lease-start")).toBe(false);
  });
});
