/** Addresses that no tool may reach: this machine, private networks, metadata services (IANA special-purpose registries). */
import { BlockList, isIP, isIPv4 } from "node:net";

const V4 = [
  "0.0.0.0/8",
  "10.0.0.0/8",
  "100.64.0.0/10",
  "127.0.0.0/8",
  "169.254.0.0/16",
  "172.16.0.0/12",
  "192.0.0.0/24",
  "192.0.2.0/24",
  "192.88.99.0/24",
  "192.168.0.0/16",
  "198.18.0.0/15",
  "198.51.100.0/24",
  "203.0.113.0/24",
  "224.0.0.0/4",
  "240.0.0.0/4",
];
const V6 = [
  "::/96",
  "::ffff:0:0/96",
  "64:ff9b::/96",
  "64:ff9b:1::/48",
  "100::/64",
  "2001::/23",
  "2001:db8::/32",
  "2002::/16",
  "3fff::/20",
  "5f00::/16",
  "fc00::/7",
  "fe80::/10",
  "fec0::/10",
  "ff00::/8",
];

let blocked: Readonly<Record<"ipv4" | "ipv6", BlockList>> | undefined;

/** One list for each family: a list of both also holds IPv4 addresses against mapped IPv6 ranges. */
function blockLists(): Readonly<Record<"ipv4" | "ipv6", BlockList>> {
  blocked ??= { ipv4: listOf("ipv4", V4), ipv6: listOf("ipv6", V6) };
  return blocked;
}

function listOf(family: "ipv4" | "ipv6", ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = "", bits] = range.split("/");
    list.addSubnet(network, Number(bits), family);
  }
  return list;
}

/** True for a public unicast address. Everything that carries an IPv4 address inside IPv6 is refused. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0) return false;
  const family = isIPv4(address) ? "ipv4" : "ipv6";
  return !blockLists()[family].check(address, family);
}
