/** Stage 5: where a connection would go. */
import type { Label } from "../../core/label.ts";
import { type Action, type Check, type Policy, verdictOf } from "../action.ts";
import { isApproved } from "../named-tool.ts";
import { ask, deny, type Finding } from "../shell/types.ts";

/** `host:port` of an address that may be dialled, or undefined when its text is not clean. */
export function hostOf(url: string): string | undefined {
  if (!/^[\x21-\x7e]+$/.test(url)) return undefined;
  const parsed = URL.parse(url);
  if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.username !== "" || parsed.password !== "")
    return undefined;
  if (!/^[a-z0-9.-]*[a-z0-9-]$/.test(parsed.hostname)) return undefined;
  return `${parsed.hostname}:${parsed.port || (parsed.protocol === "https:" ? "443" : "80")}`;
}

function judgeUrl(url: string, network: Policy["network"]): Finding | undefined {
  const host = hostOf(url);
  if (!host) return deny("network.address", "the address is not a plain http or https address", "high");
  if (network.closed?.includes(host)) return closed(host);
  const name = nameOf(host);
  const exact = network.mode === "allowlist" && network.allow.includes(host);
  if (PRIVATE.test(name)) {
    // Only a host with its port, written down by the person, opens something of this machine or its network.
    return exact ? undefined : deny("network.private", `${name} is on this machine or its private network`, "high");
  }
  if (network.mode === "off")
    return deny("network.off", "the network is off (network.mode in the user's configuration)", "low");
  return isListed(host, network) ? undefined : ask("network.host", `${host} is not on the list of allowed hosts`);
}

const closed = (host: string) => deny("network.model-server", `${host} is a model server`, "high");
const PRIVATE =
  /^(?:localhost$|127\.|0\.|10\.|192\.168\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.)|\.(?:local|internal|localhost)$|^metadata\./;
const nameOf = (host: string) => host.slice(0, host.lastIndexOf(":"));

/** True when the person listed `host:port`, or the host for its every port. */
export function isListed(host: string, network: Policy["network"]): boolean {
  return network.mode === "allowlist" && network.allow.some((entry) => entry === host || entry === nameOf(host));
}

/** What has been read decides where anything may go: untrusted text and secrets together never reach the network. */
function judgeContext({ integrity, confidentiality }: Label): Finding | undefined {
  if (integrity === "external" && confidentiality === "secret")
    return deny("label.rule-of-two", "text from outside and secrets have been read: the network stays closed");
  if (integrity === "external") return ask("label.external", "text from outside has been read, and it may steer this");
  return confidentiality === "secret" ? ask("label.secret", "secrets have been read", "high") : undefined;
}

/** Its hosts stand in its entry; what may go there depends on what has been read. */
function foreignFindings(action: Action): readonly Finding[] {
  if (!action.tool?.foreign?.online) return [];
  const finding = judgeContext(action.context);
  return finding === undefined || (finding.rule === "label.external" && isApproved(action)) ? [] : [finding];
}

const check: Check = {
  name: "validateNetworkAccess",
  run(action) {
    if (action.tool?.foreign) return verdictOf(check.name, foreignFindings(action));
    // A tool that reads files and addresses reaches out only when it is given an address.
    const local = action.url === undefined && action.paths.length > 0;
    const fetches = !local && (action.tool?.effects.includes("net") ?? false);
    const commands = action.shell?.findings.some((finding) => finding.rule.startsWith("network.")) ?? false;
    if (!fetches && !commands) return verdictOf(check.name, []);
    const where = !fetches
      ? undefined
      : action.url === undefined
        ? deny("network.address", "there is no address")
        : judgeUrl(action.url, action.policy.network);
    const shut = action.policy.network.closed ?? [];
    const server = action.shell?.hosts.find((host) => shut.includes(host));
    return verdictOf(
      check.name,
      [where, server === undefined ? undefined : closed(server), judgeContext(action.context)].filter(
        (finding) => finding !== undefined,
      ),
    );
  },
};

export default check;
