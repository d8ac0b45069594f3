/** curl and wget, option by option: what they write, what they read, what they send, and what changes where they go. */
import { posix } from "node:path";
import { type OptionTable, optionTable, type ReadArguments, readArguments } from "../options.ts";
import { ask, type CommandRule, deny, type Report, type SimpleCommand } from "../types.ts";
import type { PlainWord } from "../words.ts";
import { namesSecret, OWN_SERVER } from "./sinks.ts";

/** curl(1). Options that change where it goes or what it reads by itself (proxies, `--resolve`, `-K`) are left out: they ask. */
const CURL = optionTable(
  "sSLfiIvgOJGRNBakpqZ0123 46 # --silent --show-error --location --fail --fail-with-body --fail-early --include --head --verbose --globoff --remote-name --remote-name-all --remote-header-name --get --remote-time --no-buffer --use-ascii --append --insecure --progress-bar --no-progress-meter --parallel --http1.0 --http1.1 --http2 --http3 --ipv4 --ipv6 --tlsv1.2 --tlsv1.3 --ssl-reqd --compressed --create-dirs --raw --no-keepalive --path-as-is --junk-session-cookies --list-only --disable --no-clobber --post301 --post302 --post303 --location-trusted" +
    " H: A: e: X: m: w: r: C: y: Y: z: u: d: F: T: b: --header: --user-agent: --referer: --request: --max-time: --connect-timeout: --retry: --retry-delay: --retry-max-time: --retry-connrefused --retry-all-errors --write-out: --range: --continue-at: --limit-rate: --max-redirs: --max-filesize: --url: --time-cond: --user: --oauth2-bearer: --data: --data-ascii: --data-binary: --data-raw: --data-urlencode: --form: --form-string: --upload-file: --json: --cookie: --proto: --proto-redir: --expect100-timeout: --keepalive-time: --url-query:" +
    " o> D> c> --output> --output-dir> --dump-header> --cookie-jar> --trace> --trace-ascii> --stderr> --etag-save> --etag-compare< --cacert< --capath< E< --cert< --key<",
);
/** wget(1). `-e` runs lines of its settings, `-i` reads addresses from a file: they ask. */
const WGET = optionTable(
  "qvcNSbrkpmEKdLH46 -nv -nc -nd -np -nH --quiet --verbose --no-verbose --continue --timestamping --server-response --no-clobber --recursive --convert-links --page-requisites --mirror --adjust-extension --no-parent --no-host-directories --no-directories --spider --no-check-certificate --show-progress --content-on-error --https-only --no-cache --inet4-only --inet6-only --relative --span-hosts --no-hsts" +
    " t: T: w: U: l: A: R: D: I: X: --tries: --timeout: --wait: --user-agent: --level: --accept: --reject: --domains: --header: --limit-rate: --max-redirect: --quota: --referer: --user: --password: --http-user: --http-password: --method: --post-data: --post-file: --body-data: --body-file: --progress: --connect-timeout: --read-timeout: --dns-timeout: --waitretry: --cut-dirs: --report-speed:" +
    " O> o> a> P> --output-document> --output-file> --append-output> --directory-prefix> --save-cookies> --load-cookies< --ca-certificate< --ca-directory< --certificate< --private-key<",
);

/** What these options carry leaves the machine; a value that names a file sends that file. */
const SENDS =
  /^(?:-d|--data(?:-\w+)?|-F|--form(?:-string)?|-T|--upload-file|--json|-H|--header|-b|--cookie|--url-query|--(?:post|body)-(?:data|file))$/;
const WHOLE_FILE = /^(?:-T|--upload-file|--(?:post|body)-file)$/;
const FOLDER = /^(?:--output-dir|-P|--directory-prefix)$/;
const NAMES_OUTPUT = /^(?:-o|-O|--output|--output-document)$/;

const transfer =
  (table: OptionTable): CommandRule =>
  (command, report) => {
    report.mark("net");
    report.mark("fetch");
    report.effect("write");
    const words = command.args;
    if (words.some((word) => /^--(?:unix-socket|abstract-unix-socket)/.test(word.text)))
      report.find(deny("tamper.socket", `${command.name} to a local control socket`));
    if (words.some((word) => OWN_SERVER.test(word.text)))
      report.find(deny("tamper.self", "the agent does not speak to its own server"));
    for (const word of words)
      if (word.kind === "dynamic" && word.text.includes("$"))
        report.mark(word.variables.length > 0 && !word.text.includes("$(") ? "secret" : "net-upload");
    const taken = readArguments(words, table);
    if (taken.unknown !== undefined)
      report.find(ask("shell.option-unknown", `${command.name} ${taken.unknown} is not on the list of known options`));
    if (taken.unknown !== undefined && words.some((word) => namesSecret(word.text))) report.mark("secret");
    for (const { name, value } of taken.options) if (value && SENDS.test(name)) sent(name, value, report);
    written(command, taken, report);
    for (const { use, value } of taken.options) if (value && use === "read") report.path(value, "read");
    report.find(ask("network.transfer", `${command.name} needs the network`));
  };

/** `@file`, `name=@file`, `name=<file`, `name@file`, and options whose value is a file as it stands. */
function sent(name: string, value: PlainWord, report: Report): void {
  const { text, kind } = value;
  if (kind === "dynamic") return report.mark("net-upload");
  const form = /^(?:-F|--form)$/.test(name);
  const named = /^@(.*)$/s.exec(text) ?? (form ? /=[@<]([^;,]*)/.exec(text) : null);
  const encoded = name === "--data-urlencode" ? /^\w*@(.*)$/s.exec(text) : null;
  const jar = /^(?:-b|--cookie)$/.test(name) && !text.includes("=") ? [text, text] : null;
  const file = WHOLE_FILE.test(name) ? text : (named ?? encoded ?? jar)?.[1];
  if (file === undefined || file === "") return;
  report.mark("net-upload");
  if (file === "-") return;
  if (namesSecret(file)) report.mark("secret");
  report.path({ ...value, text: file, tilde: false }, "read");
}

/** Named outputs, and the last part of an address where it names the file. */
function written(command: SimpleCommand, taken: ReadArguments, report: Report): void {
  const { options, operands } = taken;
  const folder = options.find(({ name }) => FOLDER.test(name))?.value;
  const inFolder = (word: PlainWord): PlainWord =>
    folder && !word.text.startsWith("/")
      ? { ...word, text: posix.join(folder.text, word.text), tilde: folder.tilde === true }
      : word;
  for (const { name, use, value } of options) {
    if (!value || use !== "write") continue;
    if (value.text === "-" || value.text === "/dev/null") continue;
    report.path(NAMES_OUTPUT.test(name) ? inFolder(value) : value, "write");
  }
  const has = (wanted: RegExp) => options.some(({ name }) => wanted.test(name));
  if (has(/^(?:-J|--remote-header-name)$/))
    report.find(ask("path.unknown-name", "the server chooses the name of the file"));
  const named = has(NAMES_OUTPUT);
  const byAddress = command.name === "wget" ? !named && !has(/^--spider$/) : has(/^(?:-O|--remote-name(?:-all)?)$/);
  for (const word of byAddress ? operands : []) {
    const last = /^(?:[a-z]+:\/\/)?[^/?#]+\/(?:[^?#]*\/)?([^/?#]+)/i.exec(word.text)?.[1];
    if (last !== undefined) report.path(inFolder({ ...word, text: last, kind: "literal", tilde: false }), "write");
  }
}

export const transferCommands: Record<string, CommandRule> = { curl: transfer(CURL), wget: transfer(WGET) };
