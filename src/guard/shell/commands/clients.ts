/** Clients of containers, clusters, clouds, forges and databases: what they destroy elsewhere, and how they reach this machine. */
import { optionTable, readArguments } from "../options.ts";
import { ask, type CommandRule, deny, type Report, type SimpleCommand } from "../types.ts";
import type { PlainWord } from "../words.ts";
import { namesSecret } from "./sinks.ts";

/** Folders of this machine that a container must not be given. */
const HOST_FOLDER = /^(?:\/|\/(?:bin|boot|dev|etc|home|lib|opt|proc|root|run|sbin|sys|usr|var)(?:\/.*)?|~(?:\/.*)?)$/;
/** Options that take a container's walls down. */
const WALLS =
  /^--(?:privileged|cap-add|device|security-opt|group-add|cgroupns|volumes-from)(?:=|$)|^--(?:pid|ipc|uts|userns)=host$/;

const containerRule: CommandRule = (command, report) => {
  report.mark("net");
  report.effect("write");
  const words = command.args;
  if (words.some((word) => /docker\.sock|unix:\/\//.test(word.text)))
    return report.find(deny("tamper.socket", "a container socket gives root on this machine"));
  if (words.some((word) => word.text === "push"))
    return report.find(deny("exfiltration.push", "pushing an image sends the workspace away"));
  const shared = words.some(
    (word, at) => /^--(?:pid|ipc|uts|userns)$/.test(word.text) && words[at + 1]?.text === "host",
  );
  if (shared || words.some((word) => WALLS.test(word.text)) || mounts(words, report))
    return report.find(deny("tamper.container", "this container can take over the machine"));
  const said = words.map((word) => word.text).join(" ");
  if (/(?:^| )(?:system|volume|builder) prune\b|(?:^| )volume rm\b|(?:^| )down .*(?:-v|--volumes)\b/.test(said))
    return report.find(deny("destructive.container", `${command.name} would remove data that cannot be brought back`));
  report.find(ask("privilege.container", `${command.name} runs outside the sandbox`, "high"));
};

/** True when a folder of the machine is mounted; other folders count as written. */
function mounts(words: readonly PlainWord[], report: Report): boolean {
  let host = false;
  for (const [at, word] of words.entries()) {
    const [, option = "", attached = ""] = /^(-v|--volume|--mount)(?:=|$|(?=\/))(.*)$/s.exec(word.text) ?? [];
    if (option === "") continue;
    const text = attached === "" ? (words[at + 1]?.text ?? "") : attached;
    const source =
      option === "--mount" ? /(?:^|,)(?:src|source)=([^,]*)/.exec(text)?.[1] : /^([/~.][^:]*):/.exec(text)?.[1];
    if (source === undefined) continue;
    host ||= HOST_FOLDER.test(source);
    report.path({ text: source, kind: "literal", quoted: false, variables: [], tilde: true }, "write");
  }
  return host;
}

/** A secret file among the words would leave the machine. */
function marksSecrets(command: SimpleCommand, report: Report): void {
  if (command.args.some((word) => namesSecret(word.text))) report.mark("secret");
}

/** Verbs of clusters, clouds and forges that nothing brings back. */
const REMOVES =
  /^(?:destroy|delete|remove|rm|rb|uninstall|purge|drain|[\w-]+:(?:destroy|delete|remove|reset)|(?:delete|terminate|remove|destroy|deregister)-[\w-]+)$/;

/** A client of something elsewhere: it needs the network, and removing there is for ever. */
const remoteRule: CommandRule = (command, report) => {
  report.mark("net");
  marksSecrets(command, report);
  report.effect("write");
  const words = command.args.map((word) => word.text);
  const method = words.some(
    (word, at) =>
      /^(?:-X|--method|--request)=?delete$/i.test(word) ||
      (/^(?:-X|--method|--request)$/.test(word) && /^delete$/i.test(words[at + 1] ?? "")),
  );
  if (method || words.some((word) => REMOVES.test(word) || /^--?(?:destroy|delete)$/.test(word)))
    report.find(deny("destructive.remote", `${command.name} would remove things that cannot be brought back`));
  if (/^(?:kubectl|oc)$/.test(command.name) && /^(?:exec|attach|cp|debug|proxy|port-forward)$/.test(words[0] ?? ""))
    report.find(ask("privilege.cluster", `${command.name} ${words[0]} acts inside a running container`, "high"));
  report.find(ask("network.command", `${command.name} needs the network`));
};

/** Statements that empty or remove what a database holds. */
const LOSES =
  /\b(?:drop|truncate)\s+(?:table|database|schema|index|view|user|role|keyspace|collection)\b|\b(?:delete\s+from|truncate)\s+[\w."]+\s*(?:;|$)|\b(?:flushall|flushdb|dropdatabase|deletemany\(\s*\{\s*\})/i;
/** Words of a client by which it starts programs or touches other files. */
const ESCAPES =
  /\\!|\\(?:copy|i|ir|o|g)\b|\bprogram\s+'|(?:^|\s)\.(?:shell|system|read|load|output|once|import|excel|edit|open|backup|restore|save|clone|log|trace|archive|cd)\b|\b(?:load_extension|writefile|readfile|edit|pg_read_file|lo_import|lo_export|load_file)\s*\(|\binto\s+(?:out|dump)file\b|^(?:system|source|module)\b/i;

const databaseRule: CommandRule = (command, report) => {
  report.effect("write");
  const local = /^(?:sqlite3|duckdb)$/.test(command.name);
  if (!local) report.mark("net");
  marksSecrets(command, report);
  const said = command.args.map((word) => word.text);
  if (said.some((word) => LOSES.test(word)))
    return report.find(deny("destructive.database", "this removes data that cannot be brought back"));
  if (said.some((word) => ESCAPES.test(word))) {
    report.mark("shell");
    report.find(ask("shell.opaque", `${command.name} would start a program or touch other files`, "high"));
  }
  if (local) return localDatabase(command, report);
  report.find(ask("network.database", `${command.name} speaks to a database server`));
};

/** `sqlite3 file 'select …'` reads one file; everything else is a program of its own. */
function localDatabase(command: SimpleCommand, report: Report): void {
  const table = optionTable("-readonly -json -csv -header -noheader -column -markdown -table -line -list -batch -bail");
  const { operands, unknown } = readArguments(command.args, table);
  const [file, statement, ...more] = operands;
  if (file && file.kind !== "dynamic") report.path(file, "write");
  // duckdb reads any file whose name stands in quotes.
  const files = command.name === "duckdb" && statement?.text.includes("'");
  if (unknown || files || statement?.kind !== "literal" || !readsOnly(statement.text.trim()) || more.length > 0)
    report.find(ask("shell.database", `what ${command.name} does with this is not looked into`));
}

/** One plain `select` with functions that only compute, or a list of tables. */
function readsOnly(statement: string): boolean {
  if (/^\.(?:tables|schema)(?: \w+)?$/.test(statement)) return true;
  const called = statement.match(/\w+(?=\s*\()/g) ?? [];
  return /^select\b[\w\s*,.=<>'()%+!-]*;?$/i.test(statement) && called.every((name) => COMPUTES.test(name));
}

const COMPUTES =
  /^(?:count|sum|min|max|avg|total|length|lower|upper|substr|trim|coalesce|ifnull|nullif|round|abs|date|datetime|strftime|group_concat|distinct|in|and|or|not|where|exists|values|select|from|on|as|by|json_extract)$/i;

const each = (names: string, rule: CommandRule): Record<string, CommandRule> =>
  Object.fromEntries(names.split(" ").map((name) => [name, rule]));

export const clientCommands: Record<string, CommandRule> = {
  ...each("docker podman nerdctl buildah docker-compose podman-compose", containerRule),
  ...each(
    "gh hub glab aws gcloud gsutil az kubectl oc helm terraform tofu pulumi doctl flyctl fly heroku vercel netlify wrangler eksctl firebase supabase railway",
    remoteRule,
  ),
  ...each(
    "psql pg_dump pg_restore mysql mysqldump mariadb redis-cli valkey-cli mongosh mongo mongodump cqlsh sqlite3 duckdb",
    databaseRule,
  ),
};
