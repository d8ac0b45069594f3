/** Stage 4: content about to be written: secrets, scripts that other tools run, invisible characters. */
import { type Action, type Check, verdictOf } from "../action.ts";
import { findTokens } from "../secrets.ts";
import { ask, type Finding } from "../shell/types.ts";

const INVISIBLE = /[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069]|\udb40[\udc00-\udc7f]/;
const LIFECYCLE = /"(?:pre|post)?(?:install|publish|prepare|pack)"\s*:|"prepublishOnly"\s*:/;

/** Every text that this call would put into a file. */
function written(action: Action): readonly string[] {
  const { content, edits } = (action.input ?? {}) as { content?: unknown; edits?: unknown };
  const texts = Array.isArray(edits) ? edits.map((edit: { new?: unknown }) => edit.new) : [];
  return [content, ...texts].filter((text) => typeof text === "string");
}

const check: Check = {
  name: "validateCodeGeneration",
  run(action) {
    if (!action.tool?.effects.includes("write")) return verdictOf(check.name, []);
    const findings: Finding[] = [];
    for (const text of written(action)) {
      if (INVISIBLE.test(text))
        findings.push(ask("content.invisible-characters", "the text has invisible or direction-changing characters"));
      if (findTokens(text).length > 0)
        findings.push(ask("content.secret", "the text holds what looks like a secret", "high"));
      if (LIFECYCLE.test(text) && action.paths.some((use) => /(?:^|\/)package\.json$/i.test(use.text))) {
        findings.push(ask("content.lifecycle", "the text adds a script that a package manager runs by itself"));
      }
    }
    return verdictOf(check.name, findings);
  },
};

export default check;
