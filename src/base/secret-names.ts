/** Names of files that usually hold secrets: one list for gate, search and sandbox. */

const EXACT: ReadonlySet<string> = new Set([
  ".npmrc",
  ".netrc",
  "_netrc",
  ".pgpass",
  ".pypirc",
  ".git-credentials",
  ".htpasswd",
  ".dockercfg",
  ".vault-token",
  ".terraformrc",
  ".s3cfg",
  ".boto",
  ".my.cnf",
  "credentials",
  "credentials.json",
  "credentials.toml",
  "credentials.db",
  "service-account.json",
  "secrets.json",
  "secrets.yaml",
  "secrets.yml",
  "secrets.toml",
  "id_rsa",
  "id_dsa",
  "id_ecdsa",
  "id_ed25519",
  "authorized_keys",
  "terraform.tfstate",
]);
const KEY_ENDINGS = [".pem", ".key", ".p12", ".pfx", ".jks", ".keystore"];
const ENDINGS = [...KEY_ENDINGS, ".kdbx", ".ppk", ".tfvars"];
const STARTS = ["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519"];
/** `.env.example` and its like hold names, not values. */
const HARMLESS_ENV = /^\.env\.(example|sample|template|dist|defaults?|schema)$/;
/** Files that are secret only below a certain folder. */
const PLACED: ReadonlySet<string> = new Set([
  ".git/config",
  ".docker/config.json",
  ".kube/config",
  ".aws/config",
  ".aws/credentials",
  ".m2/settings.xml",
  ".gradle/gradle.properties",
  ".cargo/credentials",
  ".gem/credentials",
  ".config/gh",
  "gh/hosts.yml",
  ".composer/auth.json",
]);
/** Folders in which everything is secret. */
const FOLDERS: ReadonlySet<string> = new Set([
  ".ssh",
  ".gnupg",
  ".aws",
  ".azure",
  ".kube",
  ".docker",
  ".password-store",
]);

/** True when the last segment of a file name alone marks it as secret. */
export function isSecretName(name: string): boolean {
  const lower = name.toLowerCase();
  if (EXACT.has(lower)) return true;
  if (lower === ".env" || lower === ".envrc" || lower.startsWith(".env.")) return !HARMLESS_ENV.test(lower);
  if (lower.endsWith(".pub")) return false;
  return ENDINGS.some((ending) => lower.endsWith(ending)) || STARTS.some((start) => lower.startsWith(start));
}

/** True for names of keys and certificates: in third-party code test data and public bundles. */
export function isKeyFile(name: string): boolean {
  const lower = name.toLowerCase();
  return KEY_ENDINGS.some((ending) => lower.endsWith(ending));
}

/** The test for names of files in one folder: cheap enough for every file of a workspace. */
export function secretIn(folder: string): (name: string) => boolean {
  const segments = folder
    .toLowerCase()
    .split("/")
    .filter((segment) => segment !== "" && segment !== ".");
  if (segments.some((segment) => FOLDERS.has(segment))) return () => true;
  const parent = segments.at(-1) ?? "";
  return (name) => isSecretName(name) || PLACED.has(`${parent}/${name.toLowerCase()}`);
}

/** True for a path (absolute or relative, `/` between segments) whose name or place marks it as secret. */
export function isSecretPath(path: string): boolean {
  const plain = path.replace(/\/+$/, "");
  const slash = plain.lastIndexOf("/");
  return plain !== "" && secretIn(plain.slice(0, Math.max(0, slash)))(plain.slice(slash + 1));
}
