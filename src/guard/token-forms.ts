/** Token forms as their issuers document them: a fixed prefix, an alphabet, a length. */
import { scrambled } from "./value-shape.ts";

interface TokenForm {
  readonly kind: string;
  /** Without one of these a run of token characters holds none of this kind. */
  readonly prefix: string;
  readonly shape: RegExp;
  /** What else must hold: forms whose prefix is also an ordinary word. */
  readonly only?: (token: string) => boolean;
}

/** `prefix` stands for no word, so that no boundary is asked for before it. */
const form = (kind: string, prefix: string, rest: string, only?: TokenForm["only"]): TokenForm => ({
  kind,
  prefix,
  shape: new RegExp(`(?:${prefix})${rest}`, "g"),
  ...(only && { only }),
});
/** `prefix` also ends words: no letter or digit may stand before it. */
const bounded = (kind: string, prefix: string, rest: string, only?: TokenForm["only"]): TokenForm => ({
  ...form(kind, prefix, rest, only),
  shape: new RegExp(`(?<![A-Za-z0-9])(?:${prefix})${rest}`, "g"),
});

const random = (token: string) => /\d/.test(token) && scrambled(token);
const partsRandom = (token: string) => token.split(".").filter(scrambled).length >= 2;

const FORMS: readonly TokenForm[] = [
  {
    kind: "aws-key-id",
    prefix: "A(?:KIA|SIA|BIA|CCA)",
    shape: /(?<![A-Z0-9])A(?:KIA|SIA|BIA|CCA)(?![A-Z2-7]*EXAMPLE)[A-Z2-7]{16}(?![A-Z0-9])/g,
  },
  form("github-token", "gh[pousr]_", "[A-Za-z0-9]{30,}"),
  form("github-token", "github_pat_", "[A-Za-z0-9_]{50,}"),
  form("gitlab-token", "gl(?:pat|dt|rt|ptt|cbt|agent|oas|soat|ft|imt|wt|rtr|cts|ffct)-", "[\\w.-]{20,}"),
  form("slack-token", "xox[abeoprs](?:\\.xox[bp])?-|xapp-", "[A-Za-z0-9-]{20,}"),
  form("stripe-key", "[srp]k_(?:live|test|prod)_", "[A-Za-z0-9]{16,}"),
  form("stripe-key", "whsec_", "[A-Za-z0-9+/]{24,}"),
  form("model-key", "sk-(?:proj|or-v1|svcacct|admin|lf|ant-[a-z0-9]+)-", "[\\w-]{24,}", (token) => /\d/.test(token)),
  bounded("model-key", "sk-", "[\\w-]{32,}", random),
  bounded("model-key", "gsk_|xai-|pplx-|csk-|fw_|nvapi-|jina_|pa-", "[\\w-]{40,}", random),
  bounded("model-key", "tvly-", "[A-Za-z0-9-]{20,}", random),
  bounded("model-key", "hf_|api_org_|r8_", "[A-Za-z0-9]{30,}"),
  bounded("model-key", "e2b_", "[0-9a-f]{40}"),
  form("model-key", "lsv2_(?:pt|sk)_", "[0-9a-f]{32}_[0-9a-f]{10}"),
  form("google-key", "AIza", "[\\w-]{35}"),
  form("google-key", "GOCSPX-", "[\\w-]{24,}"),
  bounded("google-key", "ya29\\.", "[\\w-]{20,}"),
  bounded("google-key", "1//0", "[\\w-]{40,}"),
  form("registry-token", "npm_", "[A-Za-z0-9]{36}"),
  form("registry-token", "pypi-", "[\\w-]{50,}"),
  form("registry-token", "dckr_[po]at_", "[\\w-]{20,}"),
  form("registry-token", "rubygems_", "[0-9a-f]{40,}"),
  form("registry-token", "CLOJARS_", "[0-9a-f]{60}"),
  bounded("registry-token", "AKCp", "[A-Za-z0-9]{60,}"),
  bounded("registry-token", "oy2", "[a-z0-9]{43}"),
  form("cloud-token", "do[opr]_v1_", "[0-9a-f]{64}"),
  bounded("cloud-token", "v1\\.0-", "[0-9a-f]{20,}-[0-9a-f]{100,}"),
  bounded("cloud-token", "hv[sbr]\\.", "[\\w-]{24,}"),
  { kind: "cloud-token", prefix: "\\.atlasv1\\.", shape: /\w{14}\.atlasv1\.[\w-]{60,}/g },
  bounded("cloud-token", "dapi", "[0-9a-f]{32}(?:-\\d)?"),
  form("cloud-token", "glsa_", "[A-Za-z0-9]{32}_[0-9a-f]{8}"),
  form("cloud-token", "glc_", "[A-Za-z0-9+/]{32,}={0,2}(?:_[0-9a-f]{8})?"),
  bounded("cloud-token", "ntn_|secret_", "[A-Za-z0-9]{40,}", random),
  form("cloud-token", "shp(?:at|ca|pa|ss|tka)_", "[0-9a-fA-F]{32}"),
  form("cloud-token", "dp\\.(?:pt|st|ct|sa|scim|audit)\\.", "(?:[\\w-]{2,35}\\.)?[A-Za-z0-9]{40,}"),
  form("cloud-token", "sbp_(?:v0_)?", "[0-9a-f]{40}"),
  form("cloud-token", "sb_secret_", "[\\w-]{20,}"),
  bounded("cloud-token", "SG\\.", "[\\w-]{16,}\\.[\\w-]{32,}"),
  { kind: "cloud-token", prefix: "key-", shape: /(?<![\w-])key-[0-9a-f]{32}(?![\w-])/g },
  form("cloud-token", "lin_(?:api|oauth)_", "[A-Za-z0-9]{32,}"),
  form("cloud-token", "PMAK-", "[0-9a-f]{24}-[0-9a-f]{34}"),
  form("cloud-token", "pscale_(?:tkn|pw|oauth)_", "[\\w.=-]{32,}"),
  bounded("cloud-token", "fo1_", "[\\w-]{43}"),
  bounded("cloud-token", "fm[12][ar]?_", "[\\w+/=,-]{40,}", random),
  form("cloud-token", "xkeysib-", "[0-9a-f]{64}-[A-Za-z0-9]{16}"),
  form("cloud-token", "sq0(?:atp|csp|idp)-", "[\\w-]{22,}"),
  bounded("cloud-token", "EAAA", "[\\w-]{60}", random),
  form("cloud-token", "figd_|sntry[su]_|rdme_|NRAK-|tskey-[a-z]+-|bkua_|CCIPAT_|waka_|phx_", "[\\w=+/-]{20,}", random),
  bounded("cloud-token", "pul-", "[0-9a-f]{40}"),
  bounded("cloud-token", "HRKU-(?:AA)?", "[\\w-]{36,}", random),
  form("cloud-token", "ATATT3|ATCTT3|ATBB", "[\\w=-]{20,}", random),
  bounded("cloud-token", "SK|AC", "[0-9a-f]{32}(?![A-Za-z0-9])"),
  bounded("cloud-token", "pat-[a-z]{2}\\d-", "[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"),
  bounded("cloud-token", "LTAI", "[A-Za-z0-9]{16,24}(?![A-Za-z0-9])", random),
  form("cloud-token", "GR1348941", "[\\w-]{20}"),
  bounded("model-key", "fw_(?=[A-Za-z0-9]{22})", "[A-Za-z0-9]{22,}", random),
  bounded("model-key", "(?:sk_|fc-)(?=[0-9a-f]{32})", "[0-9a-f]{32}(?:[0-9a-f]{16})?(?![\\w-])"),
  bounded("model-key", "pcsk_", "[\\w-]{50,}", random),
  bounded("model-key", "BSA(?=[\\w-]{28})", "[\\w-]{28}(?![\\w-])", random),
  bounded("cloud-token", "re_(?=[A-Za-z0-9]{8}_)", "[A-Za-z0-9]{8}_[A-Za-z0-9]{20,}", random),
  bounded("cloud-token", "s\\.(?=[A-Za-z0-9]{24})", "[A-Za-z0-9]{24}(?![\\w.-])", random),
  bounded("cloud-token", "eyJrIjoi", "[A-Za-z0-9]{40,}={0,2}", random),
  bounded("cloud-token", "(?:nfp_|rnd_|napi_|cio)(?=[A-Za-z0-9]{26})", "[A-Za-z0-9]+", random),
  bounded("cloud-token", "EAA(?=[A-Za-z0-9]{100})", "[A-Za-z0-9]+", random),
  bounded("cloud-token", "AKID", "[A-Za-z0-9]{32}(?![\\w-])", random),
  form("cloud-token", "dt0[cs]\\d\\d\\.", "[A-Z0-9]{24}\\.[A-Z0-9]{64}"),
  form("cloud-token", "ops_eyJ", "[\\w-]{100,}"),
  bounded("cloud-token", "pat(?=[A-Za-z0-9]{14}\\.)", "[A-Za-z0-9]{14}\\.[0-9a-f]{64}"),
  form("cloud-token", "CFPAT-", "[\\w-]{43}"),
  bounded("cloud-token", "sdk-", "[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"),
  bounded("cloud-token", "sk\\.eyJ", "[\\w-]{40,}\\.[\\w-]{20,}"),
  bounded("cloud-token", "AQVN", "[\\w-]{36}(?![\\w-])", random),
  { kind: "cloud-token", prefix: "[78]Q~", shape: /(?<![\w.~-])[\w.~-]{3}[78]Q~[\w.~-]{31,34}(?![\w.~-])/g },
  { kind: "cloud-token", prefix: "-us\\d", shape: /(?<![\w-])[0-9a-f]{32}-us\d{1,2}(?!\w)/g },
  form("age-key", "AGE-SECRET-KEY-1", "[0-9A-Z]{40,}"),
  {
    kind: "jwt",
    prefix: "eyJ",
    // The first part is read once from its start: many `eyJ` in it cost nothing.
    shape:
      /(?<![\w-])(?:(?!eyJ)[\w-])*eyJ[\w-]{8,}\.(?:eyJ[\w-]{8,}\.[\w-]{16,}|[\w-]*\.[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,})/g,
  },
  {
    kind: "discord-token",
    prefix: "[MNO][\\w-]{23,27}\\.[\\w-]{6,7}\\.[\\w-]{27}",
    shape: /(?<![A-Za-z0-9])[MNO][\w-]{23,27}\.[\w-]{6,7}\.[\w-]{27,}/g,
    only: partsRandom,
  },
  {
    kind: "password-hash",
    prefix: "\\$(?:[156y]|2[abxy])\\$",
    shape:
      /\$(?:[156]\$(?:rounds=\d+\$)?[\w./]{1,16}\$[\w./]{20,}|2[abxy]\$\d\d\$[\w./]{50,}|y\$[\w./]+\$[\w./]{1,86}\$[\w./]{20,})/g,
  },
];
const PREFIX = new RegExp(FORMS.map(({ prefix }) => prefix).join("|"));

/** One character over and over stands for a token. */
const PLACEHOLDER = /([A-Za-z0-9])\1{15}/;

/** Tokens in one run of token characters. */
export function tokensOf(run: string): (readonly [kind: string, from: number, to: number])[] {
  if (!PREFIX.test(run)) return [];
  return FORMS.flatMap(({ kind, shape, only }) =>
    [...run.matchAll(shape)].flatMap((match) =>
      (only && !only(match[0])) || PLACEHOLDER.test(match[0])
        ? []
        : [[kind, match.index, match.index + match[0].length] as const],
    ),
  );
}
