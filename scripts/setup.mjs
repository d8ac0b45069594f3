// Installs what the sandbox and the tests need from Debian; plain JavaScript, so that any Node can say what is wrong.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const NEEDED = [
  { program: "bwrap", package: "bubblewrap", why: "the sandbox" },
  { program: "git", package: "git", why: "journeys in real repositories" },
  { program: "python3", package: "python3", why: "the Python journey" },
  { program: "perl", package: "perl-base", why: "trying the sandbox, its proxy, id-mapped workspaces" },
  { program: "tmux", package: "tmux", why: "the journeys in a terminal" },
  { program: "strace", package: "strace", why: "the fuzz test, which looks at what allowed commands start" },
  { program: "redis-server", package: "redis-server", why: "the shared cache's tests, on real servers" },
  { program: "pg_lsclusters", package: "postgresql", why: "the cache in Postgres, on a real server" },
  { program: "setpriv", package: "util-linux", why: "the sandbox when started as root" },
];

if (Number(process.versions.node.split(".")[0]) < 24) {
  console.error(
    `this runs on Node ${process.versions.node}, but Node 24 is needed: the npm package \`node\` was not set up. Run: npm rebuild node`,
  );
  process.exit(1);
}

const found = (program) =>
  (process.env.PATH ?? "").split(":").some((folder) => existsSync(`${folder}/${program}`)) ||
  existsSync(`/usr/sbin/${program}`);
const missing = process.platform === "linux" ? NEEDED.filter(({ program }) => !found(program)) : [];

if (missing.length > 0) {
  const packages = missing.map((entry) => entry.package);
  const command = `apt-get install -y ${packages.join(" ")}`;
  const forbidden = process.env.CRUCIBLE_SETUP === "off";
  const able = existsSync("/etc/debian_version") && process.getuid?.() === 0;
  if (forbidden || !able) {
    console.error(
      `missing: ${missing.map(({ package: name, why }) => `${name} (${why})`).join(", ")}. Install with: ${able || existsSync("/etc/debian_version") ? `sudo ${command}` : `your package manager: ${packages.join(" ")}`}`,
    );
  } else {
    console.error(
      `setup: installing ${missing.map(({ package: name, why }) => `${name} (${why})`).join(", ")} with apt-get; CRUCIBLE_SETUP=off forbids this`,
    );
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    spawnSync("apt-get", ["update", "-qq"], { stdio: "ignore", env });
    try {
      execFileSync("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...packages], {
        stdio: ["ignore", "ignore", "inherit"],
        env,
      });
    } catch {
      console.error(`setup: apt-get failed. Run it yourself: ${command}`);
      process.exitCode = process.env.CI === "true" ? 1 : 0;
    }
  }
}
