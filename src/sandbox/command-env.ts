/** The environment of a command: an allow-list, never the launcher's own. */

import { existsSync } from "node:fs";
import { userPath } from "../base/user-path.ts";
import type { SandboxContext } from "./options.ts";

/** Passed on as the user has them. */
const PASSED = [
  "LANG",
  "LANGUAGE",
  "TZ",
  "NO_COLOR",
  "CI",
  "USER",
  "LOGNAME",
  "NODE_ENV",
  "PYTHONDONTWRITEBYTECODE",
  "PYTHONUNBUFFERED",
];

/** Where tools of this machine lie; passed on too, but for images, which bring their own. */
export const INSTALLED: readonly string[] = [
  "VIRTUAL_ENV",
  "CONDA_PREFIX",
  "CONDA_DEFAULT_ENV",
  "JAVA_HOME",
  "GOROOT",
  "GOTOOLCHAIN",
  "GOFLAGS",
  "NVM_DIR",
  "NVM_BIN",
  "FNM_DIR",
  "VOLTA_HOME",
  "PYENV_ROOT",
  "PYENV_VERSION",
  "RBENV_ROOT",
  "RBENV_VERSION",
  "RUSTUP_HOME",
  "RUSTUP_TOOLCHAIN",
  "CARGO_HOME",
  "SDKMAN_DIR",
  "ANDROID_HOME",
  "DOTNET_ROOT",
  "BUN_INSTALL",
  "PNPM_HOME",
  "ASDF_DIR",
  "ASDF_DATA_DIR",
  "MISE_DATA_DIR",
  "GOMODCACHE",
];

/** Where tools look below the home when nothing is set: the private HOME would hide it. */
const HOMES: readonly (readonly [name: string, place: string])[] = [
  ["RUSTUP_HOME", ".rustup"],
  ["CARGO_HOME", ".cargo"],
  ["PYENV_ROOT", ".pyenv"],
  ["RBENV_ROOT", ".rbenv"],
  ["NVM_DIR", ".nvm"],
  ["VOLTA_HOME", ".volta"],
  ["GOMODCACHE", "go/pkg/mod"],
];

/**
 * Git's own ways to start programs, closed; they outrank every configuration file. `diff.external` is not among them:
 * git takes an empty one for a program of that name, and `git diff` would show nothing.
 */
const GIT: readonly (readonly [key: string, value: string])[] = [
  ["safe.directory", "*"],
  ["core.hooksPath", "/dev/null"],
  ["core.fsmonitor", "false"],
  ["core.pager", "cat"],
  ["core.sshCommand", "false"],
  ["core.askPass", ""],
  ["credential.helper", ""],
  ["protocol.ext.allow", "never"],
  ["commit.gpgSign", "false"],
  ["tag.gpgSign", "false"],
  ["gc.auto", "0"],
  ["maintenance.auto", "false"],
];

/** `home` is the private one (the user's own when the sandbox is off). */
export function commandEnv(context: SandboxContext, home: string): Record<string, string> {
  const { env, config, session, model } = context;
  const locale = Object.keys(env).filter((name) => name.startsWith("LC_"));
  const result: Record<string, string> = {};
  for (const name of [...PASSED, ...INSTALLED, ...locale]) {
    const value = env[name];
    if (value !== undefined) result[name] = value;
  }
  for (const [name, place] of HOMES) {
    const path = `${context.home}/${place}`;
    if (result[name] === undefined && existsSync(path)) result[name] = path;
  }
  Object.assign(result, {
    PATH: userPath(env["PATH"]),
    HOME: home,
    SHELL: "/bin/bash",
    TERM: "dumb",
    PAGER: "cat",
    GIT_PAGER: "cat",
    GIT_EDITOR: "false",
    GIT_TERMINAL_PROMPT: "0",
    GIT_CONFIG_NOSYSTEM: "1",
    AI_AGENT: "codecrucible",
    CODECRUCIBLE_SESSION_ID: session,
    CODECRUCIBLE_MODEL: model,
  });
  if (context.mode === "off") result["TMPDIR"] = context.paths.tmp.host;
  result["GIT_CONFIG_COUNT"] = String(GIT.length);
  for (const [index, [key, value]] of GIT.entries()) {
    result[`GIT_CONFIG_KEY_${index}`] = key;
    result[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return { ...result, ...config.env };
}
