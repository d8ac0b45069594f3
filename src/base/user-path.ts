/** The person's own PATH: where programs are looked for that run as they do. */

/** PATH entries that npm (run, exec, npx) put before the user's own. */
const FROM_NPM = /(^|\/)node_modules\/\.bin\/?$|\/node-gyp-bin\/?$/;

/** The user's PATH without what npm prepended; the system's folders are always part of it. */
export function userPath(path: string | undefined): string {
  const own = (path ?? "").split(":").filter((entry) => entry.startsWith("/") && !FROM_NPM.test(entry));
  const missing = ["/usr/local/bin", "/usr/bin", "/bin"].filter((entry) => !own.includes(entry));
  return [...new Set([...own, ...missing])].join(":");
}
