/** Stage 7: combinations that are worse than their parts. It may only raise, never lower. */
import { type Check, verdictOf } from "../action.ts";
import { deny, type Finding } from "../shell/types.ts";

const check: Check = {
  name: "threatDetector.assess",
  run(action) {
    const findings: Finding[] = [];
    const secret = action.paths.some((use) =>
      /(?:^|\/)\.env(?:\.|$)|id_(?:rsa|ed25519)|\.(?:ssh|aws|gnupg)(?:\/|$)|\.netrc|credentials/i.test(use.text),
    );
    const sends =
      action.shell?.findings.some((finding) => finding.rule.startsWith("network.")) || action.url !== undefined;
    if (secret && sends) findings.push(deny("threat.secret-and-network", "secret files and the network in one action"));
    return verdictOf(check.name, findings);
  },
};

export default check;
