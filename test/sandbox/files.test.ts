import { execFileSync } from "node:child_process";
import {
  chmodSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sha256 } from "../../src/base/hash.ts";
import { scanRoot } from "../../src/sandbox/scan.ts";
import { openVerified } from "../../src/sandbox/verified-open.ts";
import { makeKit } from "./kit.ts";

const ROOT = process.geteuid?.() === 0;

test("a grant opens the sandbox once, and only what its effects name", async () => {
  await using kit = await makeKit();
  const grant = kit.grant(["read"]);
  const hands = kit.sandbox.hands(grant);
  expect(Object.keys(hands).sort()).toEqual(["files", "search", "tree"]);
  expect(() => kit.sandbox.hands(grant)).toThrow("no valid grant");
  expect(() => kit.sandbox.hands({ ...grant })).toThrow("no valid grant");
  expect(() => kit.sandbox.hands(kit.grant(["read"], { expiresAt: 1 }))).toThrow("expired");
});

test("reading refuses what is outside, special, too large or secret", async () => {
  await using kit = await makeKit({}, ({ workspace, base }) => {
    writeFileSync(join(base, "outside"), "x");
    symlinkSync(join(base, "outside"), join(workspace, "link"));
    symlinkSync(base, join(workspace, "dir"));
    execFileSync("mkfifo", [join(workspace, "fifo")]);
    writeFileSync(join(workspace, "big"), Buffer.alloc(20 * 1024 * 1024 + 1));
    writeFileSync(join(workspace, ".env"), "KEY=1");
    writeFileSync(join(workspace, "a.txt"), "text");
  });
  const { sandbox, grant, workspace } = kit;
  const files = sandbox.hands(grant(["read"])).files;
  const code = (path: string) =>
    files?.read(path).then(
      () => "read",
      (error: { fault: { code: string } }) => error.fault.code,
    );
  expect(await code("link")).toBe("outside-workspace");
  expect(await code("dir/outside")).toBe("outside-workspace");
  expect(await code("/etc/passwd")).toBe("outside-workspace");
  expect(await code("fifo")).toBe("bad-input");
  expect(await code("/dev/zero")).toBe("outside-workspace");
  expect(await code("big")).toBe("bad-input");
  expect(await code(".")).toBe("bad-input");
  expect(await code("none")).toBe("file-missing");
  expect(await code(".env")).toBe("denied");
  expect(await files?.read("a.txt")).toMatchObject({ path: join(workspace, "a.txt"), hash: sha256("text") });
  const shown = sandbox.hands(grant(["read"], { reveals: [join(workspace, ".env"), join(kit.base, "outside")] })).files;
  expect(Buffer.from((await shown?.read(".env"))?.bytes ?? []).toString()).toBe("KEY=1");
  expect(Buffer.from((await shown?.read("link"))?.bytes ?? []).toString()).toBe("x");
});

test("a write is atomic, keeps the mode, stores the pre-image and tells", async () => {
  await using kit = await makeKit({}, ({ workspace }) => {
    writeFileSync(join(workspace, "run.sh"), "old");
    chmodSync(join(workspace, "run.sh"), 0o750);
  });
  const { sandbox, grant, workspace, blobs, events } = kit;
  const hands = sandbox.hands(grant(["read", "write"], { callId: "c1" }));
  await hands.fileWrites?.write("run.sh", Buffer.from("new"), sha256("old"));
  const stat = statSync(join(workspace, "run.sh"));
  expect([readFileSync(join(workspace, "run.sh"), "utf8"), stat.mode & 0o777]).toEqual(["new", 0o750]);
  expect(Buffer.from(blobs.map.get(sha256("old")) ?? []).toString()).toBe("old");
  expect(events).toEqual([
    {
      kind: "file-changed",
      callId: "c1",
      path: join(workspace, "run.sh"),
      before: sha256("old"),
      after: sha256("new"),
      mode: 0o750,
      clock: 1,
    },
  ]);
  await hands.fileWrites?.write("deep/er/file", Buffer.from("n"), null);
  expect(statSync(join(workspace, "deep/er/file")).mode & 0o777).toBe(0o666 & ~process.umask());
  expect(readdirSync(workspace).sort()).toEqual(["deep", "run.sh"]);
  expect(hands.files?.lastSeen("run.sh")).toBe(sha256("new"));
  expect(await hands.files?.lastSeenText("run.sh")).toBe("new");
});

test("a write refuses a changed, appeared, vanished or hard-linked file and control places", async () => {
  await using kit = await makeKit({}, ({ workspace, base }) => {
    writeFileSync(join(workspace, "a"), "1");
    writeFileSync(join(workspace, "l1"), "1");
    linkSync(join(workspace, "l1"), join(workspace, "l2"));
    symlinkSync(base, join(workspace, "up"));
    mkdirSync(join(workspace, ".git/modules/x"), { recursive: true });
  });
  const { sandbox, grant, workspace } = kit;
  const { fileWrites } = sandbox.hands(grant(["write"]));
  const code = (path: string, expected: string | null) =>
    fileWrites?.write(path, Buffer.from("2"), expected).then(
      () => "written",
      (error: { fault: { code: string } }) => error.fault.code,
    );
  expect(await code("a", sha256("0"))).toBe("file-changed");
  expect(await code("a", null)).toBe("file-changed");
  expect(await code("b", sha256("1"))).toBe("file-changed");
  expect(await code("l1", sha256("1"))).toBe("bad-input");
  expect(await code("up/x", null)).toBe("outside-workspace");
  for (const path of [
    ".git",
    ".Git/config",
    ".git/HOOKS/pre-commit",
    ".git/modules/x/config",
    ".CodeCrucible/config.jsonc",
    ".crucible/x",
    ".mcp.json",
    "sub/.git/hooks/x",
  ]) {
    expect(await code(path, null), path).toBe("denied");
  }
  expect(readFileSync(join(workspace, "a"), "utf8")).toBe("1");
  expect(await code("a", sha256("1"))).toBe("written");
});

test.skipIf(!ROOT)("a full disk leaves the old file whole (needs root for a small tmpfs)", async () => {
  await using kit = await makeKit({}, ({ workspace }) => {
    mkdirSync(join(workspace, "small"));
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", join(workspace, "small")]);
    writeFileSync(join(workspace, "small/a"), "old");
  });
  try {
    const { fileWrites } = kit.sandbox.hands(kit.grant(["write"]));
    const big = Buffer.alloc(200_000, 1);
    await expect(fileWrites?.write("small/a", big, sha256("old"))).rejects.toMatchObject({
      fault: { code: "storage" },
    });
    expect(readdirSync(join(kit.workspace, "small"))).toEqual(["a"]);
    expect(readFileSync(join(kit.workspace, "small/a"), "utf8")).toBe("old");
  } finally {
    execFileSync("umount", [join(kit.workspace, "small")]);
  }
});

test("a change that comes while a write is under way is not lost", async () => {
  await using kit = await makeKit({}, ({ workspace }) => writeFileSync(join(workspace, "a"), "old"));
  const { fileWrites } = kit.sandbox.hands(kit.grant(["write"]));
  const writing = fileWrites?.write("a", Buffer.from("agent"), sha256("old"));
  writeFileSync(join(kit.workspace, "a"), "user");
  await expect(writing).rejects.toMatchObject({ fault: { code: "file-changed" } });
  expect(readFileSync(join(kit.workspace, "a"), "utf8")).toBe("user");
  expect(readdirSync(kit.workspace)).toEqual(["a"]);
});

test("what is opened must be what was named: a folder turned link on the way is found out", async () => {
  await using kit = await makeKit({}, ({ workspace }) => {
    mkdirSync(join(workspace, "real"));
    writeFileSync(join(workspace, "real/a"), "x");
    symlinkSync("real", join(workspace, "turned"));
  });
  expect(() => openVerified(join(kit.workspace, "turned/a"), "file")).toThrow("changed while it was opened");
  expect(() => openVerified(join(kit.workspace, "turned"), "directory")).toThrow();
  using opened = openVerified(join(kit.workspace, "real/a"), "file");
  expect(opened.stat.size).toBe(1);
});

test("no row of writes makes a repository that is not called .git", async () => {
  await using kit = await makeKit();
  const write = (path: string) =>
    kit.sandbox
      .hands(kit.grant(["write"]))
      .fileWrites?.write(path, Buffer.from("x"), null)
      .then(
        () => "written",
        (error: { fault: { code: string } }) => error.fault.code,
      );
  const codes: (string | undefined)[] = [];
  for (const path of ["sub/HEAD", "sub/config", "sub/objects/x", "sub/refs/x", "sub/commondir"])
    codes.push(await write(path));
  expect(codes).toEqual(["written", "written", "written", "denied", "denied"]);
  expect(await write(".git/commondir")).toBe("denied");
  expect(await write("conf/config")).toBe("written");
});

test("temporary files of dead writers go at the next start and are never seen", async () => {
  const names = [".a.ts.crucible_0123456789.tmp", ".a.ts.crucible-999999999_0123456789.tmp"];
  const own = `.a.ts.crucible-${process.pid}_0123456789.tmp`;
  await using kit = await makeKit({}, ({ workspace }) => {
    for (const name of [...names, own, ".other.tmp"]) {
      writeFileSync(join(workspace, name), "needle");
      utimesSync(join(workspace, name), 1, 1);
    }
  });
  const store = { cap: 1 << 30, has: () => false, put: () => undefined };
  const how = { store, known: new Map(), heavy: new Set<string>(), signal: new AbortController().signal };
  expect((await scanRoot(kit.workspace, how)).entries.keys().toArray()).toEqual([join(kit.workspace, ".other.tmp")]);
  const search = kit.sandbox.hands(kit.grant(["read"])).search;
  const query = { pattern: "needle", path: ".", ignoreCase: false, context: 0, filesOnly: true, limit: 9 };
  const found = await search?.grep(query, new AbortController().signal);
  expect(found?.matches.map(({ path }) => path)).toEqual([join(kit.workspace, ".other.tmp")]);
  if ((await kit.sandbox.status()).backend === undefined) return;
  await expect.poll(() => readdirSync(kit.workspace).sort()).toEqual([own, ".other.tmp"].sort());
});

test.skipIf(process.platform !== "linux")(
  "what a question showed of /proc is read although it tells no size",
  async () => {
    await using kit = await makeKit();
    const shown = kit.sandbox.hands(kit.grant(["read"], { reveals: ["/proc/cpuinfo"] })).files;
    expect((await shown?.read("/proc/cpuinfo"))?.bytes.toString()).toContain("processor");
    const closed = kit.sandbox.hands(kit.grant(["read"])).files;
    await expect(closed?.read("/proc/cpuinfo")).rejects.toThrow("outside the workspace");
  },
);
