/** Wires the voices: files from the package, the person and the project, read by config, understood by the council. */
import { fileURLToPath } from "node:url";
import { toFault } from "./base/error.ts";
import { byteLength, nearest } from "./base/text.ts";
import { readCouncils } from "./config/council-file.ts";
import { readVoiceFiles } from "./config/voice-files.ts";
import type { VoiceFinding, VoicesView } from "./core/ports/voices.ts";
import type { CouncilPreset, Voice } from "./core/voice.ts";
import { presetOf } from "./council/preset.ts";
import { parseVoice, type VoiceText } from "./council/voice-file.ts";
import { tryVoice } from "./council/voice-trial.ts";
import type { House } from "./house.ts";

/** `voices/` of the package: the sources and the bundle lie one folder below its root alike. */
const PACKAGED = fileURLToPath(new URL("../voices", import.meta.url));
/** Most tokens of a voice's prompt, estimated: it is paid for with every request. */
const MOST_TOKENS = 90;
const BYTES_PER_TOKEN = 4;

/** The voices of this folder, the package's first; a later file takes the place of an earlier one. Throws `bad-config`. */
export function loadVoices(house: House): { readonly voices: readonly Voice[]; readonly notes: readonly string[] } {
  const { files, notes } = filesOf(house);
  return { voices: [...new Map(files.map(parseVoice).map((voice) => [voice.id, voice])).values()], notes };
}

/** The councils of this folder over its voices. Throws `bad-config`. */
export async function loadCouncils(house: House, voices: readonly Voice[]): Promise<readonly CouncilPreset[]> {
  const names = voices.map(({ id }) => id);
  const entries = await readCouncils(house.config, `${PACKAGED}/councils.jsonc`);
  return entries.map((entry) => presetOf(entry, names));
}

export function voicesView(house: House): VoicesView {
  return {
    async list() {
      const { voices, notes } = loadVoices(house);
      return { voices, councils: await loadCouncils(house, voices), notes };
    },
    check: () => checkAll(house),
    trial: tryVoice,
  };
}

function filesOf({ config, workspace, options }: House): ReturnType<typeof readVoiceFiles> {
  return readVoiceFiles({ places: config.places, workspace, builtIn: PACKAGED, bare: options.bare });
}

async function checkAll(house: House): Promise<readonly VoiceFinding[]> {
  const { tools } = await import("./parts.ts");
  const known = tools.map(({ name }) => name);
  const findings = filesOf(house).files.map((file) => checkFile(file, known));
  // With a broken voice every council that names it would be called broken too.
  if (findings.some(({ problems }) => problems.length > 0)) return findings;
  const { voices } = loadVoices(house);
  try {
    await loadCouncils(house, voices);
    return findings;
  } catch (error) {
    return [...findings, { id: "councils", file: "", tokens: 0, problems: [told(error)] }];
  }
}

function checkFile(file: VoiceText, known: readonly string[]): VoiceFinding {
  const name = file.file.replace(/^.*[/\\]/, "").replace(/\.md$/, "");
  try {
    const { id, prompt, tools } = parseVoice(file);
    const tokens = Math.ceil(byteLength(prompt) / BYTES_PER_TOKEN);
    const long =
      tokens > MOST_TOKENS
        ? [`the prompt is about ${tokens} tokens (bytes/4), at most ${MOST_TOKENS}: shorten it`]
        : [];
    return { id, file: file.file, tokens, problems: [...long, ...strange(tools, known)] };
  } catch (error) {
    return { id: name, file: file.file, tokens: 0, problems: [told(error)] };
  }
}

function strange(tools: readonly string[], known: readonly string[]): string[] {
  return tools
    .filter((tool) => !known.includes(tool))
    .map((tool) => {
      const near = nearest(tool, known);
      return `there is no tool ${tool}: ${near ? `did you mean ${near}?` : `there are ${known.join(", ")}`}`;
    });
}

function told(error: unknown): string {
  const { message, hint } = toFault(error);
  return hint === undefined ? message : `${message}: ${hint}`;
}
