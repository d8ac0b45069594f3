/** A review as SARIF 2.1.0 (OASIS), for code scanners: one result for each finding, unconfirmed ones as notes. */
import type { Finding, ReviewReport } from "../../core/review.ts";
import type { Output } from "../output.ts";
import { faultLine, type Renderer } from "./renderer.ts";

const LEVELS: Readonly<Record<Finding["severity"], "error" | "warning" | "note">> = {
  critical: "error",
  high: "error",
  medium: "warning",
  low: "note",
};

export function sarifRenderer(output: Output): Renderer {
  return {
    start: () => undefined,
    event(event) {
      if (event.kind === "review-end") output.out(`${JSON.stringify(sarifOf(event.report), undefined, 2)}\n`);
    },
    pause: () => undefined,
    end({ outcome }) {
      if (outcome.fault) output.err(`crucible: ${faultLine(outcome.fault)}\n`);
    },
    fault: (fault) => output.err(`crucible: ${faultLine(fault)}\n`),
  };
}

function sarifOf({ findings }: ReviewReport): object {
  const rules = [...new Set(findings.flatMap(({ voices }) => voices.slice(0, 1)))];
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "codecrucible",
            rules: rules.map((id) => ({ id, shortDescription: { text: `what the ${id} voice finds` } })),
          },
        },
        results: findings.map(resultOf),
      },
    ],
  };
}

function resultOf({ id, file, line, severity, subject, text, status, voices, by }: Finding): object {
  const region = line === undefined ? {} : { region: { startLine: line } };
  return {
    ruleId: voices[0] ?? "council",
    level: status === "unconfirmed" ? "note" : LEVELS[severity],
    message: { text: `${subject}: ${text}` },
    ...(file === undefined
      ? {}
      : { locations: [{ physicalLocation: { artifactLocation: { uri: encodeURI(file) }, ...region } }] }),
    partialFingerprints: { "codecrucible/v1": id },
    properties: { status, severity, voices, by },
  };
}
