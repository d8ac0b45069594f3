/** `text` without a terminal: the answer and its evidence on standard output, everything else on standard error. */
import type { Output } from "../output.ts";
import { harmless } from "../output.ts";
import { cacheText } from "./cache-text.ts";
import { faultLine, type Renderer } from "./renderer.ts";
import { todoLines } from "./todo-lines.ts";
import type { WorkTexts } from "./works.ts";

export function plainRenderer(
  output: Output,
  options: { verbose: boolean; quiet: boolean; structured: boolean; works?: WorkTexts | undefined },
): Renderer {
  const note = (text: string) => {
    if (!options.quiet) output.err(`${harmless(text)}\n`);
  };
  // A report was shown whole: its gist is not repeated below it, unless a voice went on to speak.
  let reported = false;
  // Inside a spiral a council is one phase of five: its whole report would hide the others.
  let spiral = false;
  return {
    start: (session) => session.notes.forEach(note),
    event(event) {
      if (event.kind === "spiral-start") spiral = true;
      if (["decision-made", "spiral-end", "review-end"].includes(event.kind)) reported = true;
      if (event.kind === "model-end" && event.purpose === "turn") reported = false;
      if (event.kind === "model-note") note(event.text);
      if (event.kind === "cache-looked" && event.hit) note(cacheText(event));
      if (event.kind === "context-compacted") note(`context compacted: ${event.before} -> ${event.after} tokens`);
      options.works?.lines(event, output.style).forEach(note);
      if (spiral && event.kind === "todos-set") for (const line of todoLines(event, output.style)) note(line);
      const report = spiral && event.kind === "decision-made" ? undefined : options.works?.report(event, output.style);
      if (report !== undefined) output.out(report);
      if (!options.verbose) return;
      if (event.kind === "tool-start") note(`> ${event.title}`);
      if (event.kind === "tool-end")
        note(event.parts.map((part) => (part.type === "text" ? part.text : `[${part.mediaType}]`)).join("\n"));
    },
    pause: () => undefined,
    end({ outcome }) {
      if (outcome.text !== "" && !reported)
        output.out(`${options.structured ? outcome.text : harmless(outcome.text).trimEnd()}\n`);
      if (outcome.verification.text !== "" && !options.structured && !options.quiet)
        output.out(`\n[${harmless(outcome.verification.text)}]\n`);
      for (const denial of outcome.openDenials)
        output.err(`denied: ${harmless(denial.tool)}: ${harmless(denial.reason)} [${denial.rule}]\n`);
      if (outcome.fault) output.err(`crucible: ${faultLine(outcome.fault)}\n`);
    },
    fault: (fault) => output.err(`crucible: ${faultLine(fault)}\n`),
  };
}
