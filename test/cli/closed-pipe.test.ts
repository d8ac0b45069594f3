/** A reader that goes away early (`| head`) ends a command in peace. */
import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { BIN, binaryEnv } from "../kit/binary.ts";
import { tempFolder } from "../kit/temp.ts";

it("config show into a pipe that nobody reads", () => {
  using folder = tempFolder();
  const script = `"$0" "$1" config show | true; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = spawnSync("/bin/bash", ["-c", script, process.execPath, BIN], {
    cwd: folder.path,
    env: binaryEnv({ home: folder.path }),
    encoding: "utf8",
  });
  expect([stdout, stderr]).toEqual(["0\n", ""]);
});
