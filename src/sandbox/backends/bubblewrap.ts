/** Bubblewrap: namespaces of its own for everything, an allow-list of mounts, a seccomp filter. The first choice on Linux. */
import { existsSync } from "node:fs";
import type { BackendPart } from "../backend.ts";
import { BWRAP, bwrapCommand } from "../bwrap.ts";
import { identityOf } from "../identity.ts";
import { buildProfile, type ProfileParts } from "../profile.ts";
import { proxyEnv } from "../relay.ts";
import { confinedEnv, makeParts } from "../stand-ins.ts";

const part: BackendPart = {
  name: "bubblewrap",
  rank: 1,
  relocates: true,
  program: BWRAP,
  lacking: (context) => {
    if (!existsSync(BWRAP)) return { reason: "bubblewrap is missing", mend: "apt-get install bubblewrap" };
    if (identityOf(context).kind === "self") return undefined;
    if (!existsSync("/usr/bin/perl"))
      return { reason: "perl is missing (needed to give up root)", mend: "apt-get install perl-base" };
    if (!existsSync("/usr/bin/setpriv"))
      return { reason: "setpriv is missing (needed to give up root)", mend: "apt-get install util-linux" };
    return undefined;
  },
  mend: (problem) => {
    if (/uid map|new namespace|user namespace|unshare/i.test(problem)) {
      return "allow user namespaces: sysctl -w kernel.unprivileged_userns_clone=1 kernel.apparmor_restrict_unprivileged_userns=0";
    }
    return /id-mapped/.test(problem) ? "start crucible as a normal user who owns the workspace" : undefined;
  },
  open: (context) => {
    const identity = identityOf(context);
    const { workspace } = context.paths;
    let parts: ProfileParts | undefined;
    let env: Record<string, string> | undefined;
    // Some bubblewraps cannot close the way to further user namespaces; the filter does it too.
    return (grant, { tree, socket, relaxed }) => {
      parts ??= makeParts(context, identity, "namespaces");
      env ??= confinedEnv(context);
      const profile = buildProfile(context, parts, { grant, tree, socket });
      const command = bwrapCommand(profile, { identity, workspace, noUserns: !relaxed });
      const proxied = grant.hosts.length > 0 ? { ...env, ...proxyEnv() } : env;
      return { key: profile.key, plan: { ...command, env: proxied, ends: "namespace", filter: parts.filter } };
    };
  },
};

export default part;
