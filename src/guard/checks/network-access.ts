/** Stage 5: where a connection would go. */
import { type Check, type Policy, verdictOf } from "../action.ts";
import { ask, deny, type Finding } from "../shell/types.ts";

/** `host:port` of an address that may be dialled, or undefined when its text is not clean. */
export function hostOf(url: string): string | undefined {
  if (!/^[\x21-\x7e]+$/.test(url)) return undefined;
  const parsed = URL.parse(url);
  if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.username !== "" || parsed.password !== "")
    return undefined;
  if (!/^[a-z0-9.-]+$/.test(parsed.hostname)) return undefined;
  return `${parsed.hostname}:${parsed.port || (parsed.protocol === "https:" ? "443" : "80")}`;
}

function judgeUrl(url: string, network: Policy["network"]): Finding | undefined {
  const host = hostOf(url);
  if (!host) return deny("network.address", "the address is not a plain http or https address", "high");
  const name = host.slice(0, host.lastIndexOf(":"));
  if (
    /^(?:localhost|127\.|0\.|10\.|192\.168\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.)|\.(?:local|internal|localhost)$|^metadata\./.test(
      name,
    )
  ) {
    return deny("network.private", `${name} is on this machine or its private network`, "high");
  }
  if (network.mode === "off")
    return deny("network.off", "the network is off (network.mode in the user's configuration)", "low");
  const listed = network.allow.some((entry) => entry === host || entry === name);
  return listed ? undefined : ask("network.host", `${host} is not on the list of allowed hosts`);
}

const check: Check = {
  name: "validateNetworkAccess",
  run(action) {
    if (!action.tool?.effects.includes("net")) return verdictOf(check.name, []);
    const finding =
      action.url === undefined
        ? deny("network.address", "there is no address")
        : judgeUrl(action.url, action.policy.network);
    return verdictOf(check.name, finding ? [finding] : []);
  },
};

export default check;
