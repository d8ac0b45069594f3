/** `crucible voices list|show|test`: who speaks in a council, and whether their files and the model hold up. */
import type { Command } from "commander";
import { CrucibleError, toFault } from "../../base/error.ts";
import { nearest } from "../../base/text.ts";
import { nameOf } from "../../core/message.ts";
import type { CommandContext } from "../../core/ports/cli.ts";
import { LOCAL_PROVIDERS, type LocalProvider, type ModelChoice, type OpenModel } from "../../core/ports/models.ts";
import type { VoiceFinding, VoiceList, VoicesView, VoiceTrial } from "../../core/ports/voices.ts";
import type { Voice } from "../../core/voice.ts";
import { workFolder } from "../files.ts";
import { harmless } from "../output.ts";
import { table } from "../table.ts";

interface TestOptions {
  readonly json?: boolean;
  readonly model?: string;
  readonly baseUrl?: string;
  readonly localProvider?: LocalProvider;
}

/** Longest trial of one voice (milliseconds). */
const TRIAL_MS = 300_000;
const OPEN_MS = 660_000;

export default function voices(command: Command, context: CommandContext, finish: (code: number) => void): void {
  const open = async () => {
    const app = await context.makeApp({ workspace: workFolder(undefined), bare: false, flags: new Map() });
    return { app, view: await app.voices() };
  };
  command
    .command("list", { isDefault: true })
    .description("every voice and council of this folder")
    .option("--json", "machine-readable")
    .action(async ({ json }: { json?: boolean }) => {
      const list = await (await open()).view.list();
      process.stdout.write(json ? `${JSON.stringify(list)}\n` : listed(list));
      if (!json) tell(list.notes);
      finish(0);
    });
  command
    .command("show <id>")
    .description("everything about one voice, and its file")
    .option("--json", "machine-readable")
    .action(async (id: string, { json }: { json?: boolean }) => {
      const list = await (await open()).view.list();
      const voice = named(id, list.voices);
      process.stdout.write(json ? `${JSON.stringify(voice)}\n` : shown(voice, list));
      finish(0);
    });
  command
    .command("test [id]")
    .description("check every file, and ask each voice one small question when a model answers")
    .option("--json", "machine-readable")
    .option("-m, --model <name>", "with this model")
    .option("--base-url <url>", "on this server")
    .option("--local-provider <name>", LOCAL_PROVIDERS.join(", "))
    .action(async (id: string | undefined, options: TestOptions) => {
      const { app, view } = await open();
      const findings = (await view.check()).filter((finding) => id === undefined || finding.id === id);
      if (id !== undefined && findings.length === 0) named(id, (await view.list()).voices);
      const whole = findings.every(({ problems }) => problems.length === 0);
      if (!options.json) process.stdout.write(findings.map(findingLine).join(""));
      const model = whole ? await opened(() => app.models(), options) : "a file has to be mended first";
      const trials = typeof model === "string" ? [] : await tryAll(view, { id, model, json: options.json === true });
      const note = typeof model === "string" ? `no voice was asked: ${model}` : undefined;
      const name = typeof model === "string" ? null : nameOf(model.ref);
      if (options.json) process.stdout.write(`${JSON.stringify({ files: findings, model: name, note, trials })}\n`);
      else if (note !== undefined) process.stdout.write(`${harmless(note)}\n`);
      finish(whole && trials.every(({ ok }) => ok) ? 0 : 1);
    });
}

function tell(notes: readonly string[]): void {
  for (const note of notes) process.stderr.write(`${harmless(note)}\n`);
}

function named(id: string, voices: readonly Voice[]): Voice {
  const names = voices.map((voice) => voice.id);
  const found = voices.find((voice) => voice.id === id);
  if (found) return found;
  const near = nearest(id, names);
  throw new CrucibleError("usage", `there is no voice ${id}`, {
    hint: near ? `did you mean ${near}?` : `there are ${names.join(", ")}`,
  });
}

function listed({ voices, councils }: VoiceList): string {
  const rows = voices.map(({ id, title, domain, temperature, yields, votes, origin }) =>
    [id, title, domain, String(temperature), `${yields.join(", ")}${votes ? "" : " (no vote)"}`, origin].map(harmless),
  );
  const sits = councils.map(({ id, title, members, origin }) =>
    [
      id,
      members
        .map(({ voice, dependsOn }) => (dependsOn.length > 0 ? `${voice} after ${dependsOn.join("+")}` : voice))
        .join(", "),
      origin,
      title,
    ].map(harmless),
  );
  const heads = [
    ["VOICE", "TITLE", "DOMAIN", "TEMPERATURE", "YIELDS", "ORIGIN"],
    ["COUNCIL", "VOICES", "ORIGIN", "FOR"],
  ] as const;
  return `${table([heads[0], ...rows])}\n${table([heads[1], ...sits])}`;
}

function shown(voice: Voice, { councils }: VoiceList): string {
  const sits = councils.filter(({ members }) => members.some((member) => member.voice === voice.id));
  const rows: [string, string][] = [
    ["duty", voice.duty],
    ["hands in", voice.yields.join(", ") || "a vote only"],
    ["votes", voice.votes ? "yes" : "no: it comments"],
    ["temperature", String(voice.temperature)],
    ["model", voice.model],
    ["tools", voice.tools.join(", ") || "none"],
    ["domain", voice.domain],
    ["sits in", sits.map(({ id }) => id).join(", ") || "no council"],
    ["origin", voice.origin],
    ["file", voice.file],
  ];
  return harmless(`${voice.title} (${voice.id})\n\n${table(rows)}\n${voice.prompt}\n`);
}

function findingLine({ id, file, tokens, problems }: VoiceFinding): string {
  if (problems.length === 0) return `ok    ${id.padEnd(12)}  about ${tokens} tokens\n`;
  return problems
    .map((problem) => harmless(`FAIL  ${id.padEnd(12)}  ${file === "" ? "" : `${file}: `}${problem}\n`))
    .join("");
}

/** The model, or why there is none; one that the person named must be there. */
async function opened(
  models: () => Promise<{ open(choice: ModelChoice, signal: AbortSignal): Promise<OpenModel> }>,
  { model, baseUrl, localProvider }: TestOptions,
): Promise<OpenModel | string> {
  const choice = {
    ...(model === undefined ? {} : { model }),
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(localProvider === undefined ? {} : { localProvider }),
  };
  try {
    return await (await models()).open(choice, AbortSignal.timeout(OPEN_MS));
  } catch (error) {
    if (Object.keys(choice).length > 0) throw error;
    return toFault(error).message;
  }
}

async function tryAll(
  view: VoicesView,
  { id, model, json }: { readonly id: string | undefined; readonly model: OpenModel; readonly json: boolean },
): Promise<(VoiceTrial & { readonly id: string })[]> {
  const { voices } = await view.list();
  const trials: (VoiceTrial & { readonly id: string })[] = [];
  for (const voice of voices) {
    if (id !== undefined && voice.id !== id) continue;
    const trial = { id: voice.id, ...(await view.trial(voice, model, AbortSignal.timeout(TRIAL_MS))) };
    trials.push(trial);
    if (!json) process.stdout.write(trialLine(trial, nameOf(model.ref)));
  }
  return trials;
}

function trialLine(
  { id, ok, problem, inputTokens, outputTokens, ms }: VoiceTrial & { id: string },
  model: string,
): string {
  const took = `${inputTokens} tokens read, ${outputTokens} written, ${(ms / 1_000).toFixed(1)} s`;
  return harmless(
    `${ok ? "ok  " : "FAIL"}  ${id.padEnd(12)}  ${model}: ${ok ? "answers in form" : problem}; ${took}\n`,
  );
}
