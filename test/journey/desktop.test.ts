/** The programs around a terminal, as stand-ins on the PATH: an image of the clipboard, a notice of the desktop. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { call, type Journey, journey } from "../kit/journey.ts";
import { missing, terminal } from "../kit/terminal.ts";

const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** A folder of programs that comes first on the PATH of the terminal. */
function programs(setting: Journey, scripts: Readonly<Record<string, string>>): { readonly PATH: string } {
  const folder = join(setting.home, "programs");
  mkdirSync(folder);
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return { PATH: `${folder}:${process.env["PATH"] ?? ""}` };
}

describe.skipIf(missing).concurrent("the desktop around a conversation (needs tmux)", () => {
  test("Ctrl+V puts the image of the clipboard into the next prompt; without one it says so", async () => {
    await using setting = await journey({ script: [{ text: "A pixel." }] });
    const image = join(setting.home, "image.png");
    const env = programs(setting, { "wl-paste": `exec cat '${image}'` });
    using screen = terminal(setting, [], env);
    await screen.shows(/─{20,}/);
    screen.send("C-v");
    await screen.shows(/clipboard holds no image/);
    writeFileSync(image, Buffer.from(PIXEL, "base64"));
    screen.send("C-v");
    await screen.shows(/image/i);
    screen.type("what is it?");
    screen.send("Enter");
    await screen.shows(/A pixel\.|does not see|cannot see|no images/);
    expect(JSON.stringify(setting.server.chats[0]?.body)).toContain(PIXEL);
  });

  test("a question that waits is told on the desktop, when the person wants that", async () => {
    await using setting = await journey({ script: [call("shell", { command: "node -e 1" }), { text: "Done." }] });
    const told = join(setting.home, "told.txt");
    const env = programs(setting, { "notify-send": `printf '%s\\n' "$@" >> '${told}'` });
    await setting.run(["config", "set", "ui.notify", "desktop"]);
    using screen = terminal(setting, ["compute"], env);
    await screen.shows(/yes, once/);
    const asked = () => expect(existsSync(told) && readFileSync(told, "utf8")).toMatch(/asks: shell node -e 1/);
    await vi.waitFor(asked, 20_000);
    await screen.answer("n");
    await screen.shows(/Done\./);
  });
});
