/** A session as a document: Markdown for people, HTML for browsers. */
import { type Event, isEphemeral } from "../../core/event.ts";
import { nameOf } from "../../core/message.ts";
import type { SessionRow } from "../../core/ports/store.ts";
import { harmless } from "../output.ts";

/** One piece of a session, in its order. */
type Piece =
  | { readonly kind: "prompt"; readonly text: string }
  | { readonly kind: "answer"; readonly text: string }
  | { readonly kind: "note"; readonly text: string }
  | {
      readonly kind: "call";
      readonly title: string;
      readonly text: string;
      readonly ended: "done" | "failed" | "denied";
    };

/** Lines of a call's output that a document holds. */
const SHOWN = 40;

function piecesOf(events: readonly Event[]): readonly Piece[] {
  const titles = new Map<string, string>();
  return events.flatMap((event): Piece[] => {
    if (isEphemeral(event)) return [];
    switch (event.kind) {
      case "model-chosen":
        return [
          {
            kind: "note",
            text: `${harmless(nameOf(event.model))}, window ${event.window.tokens} (${event.window.source})`,
          },
        ];
      case "turn-start":
        return [{ kind: "prompt", text: said(event.prompt) }];
      case "model-end":
        return event.purpose === "turn" && said(event.message.parts).trim() !== ""
          ? [{ kind: "answer", text: said(event.message.parts).trim() }]
          : [];
      // One that is denied never starts.
      case "tool-requested":
        titles.set(event.callId, `${event.tool} ${firstText(event.input)}`.trimEnd());
        return [];
      case "tool-start":
        titles.set(event.callId, event.title);
        return [];
      case "tool-end": {
        const lines = said(event.parts).trimEnd().split("\n");
        const more = lines.length > SHOWN ? [`… ${lines.length - SHOWN} more lines`] : [];
        const ended = event.denied ? "denied" : event.failed ? "failed" : "done";
        const title = titles.get(event.callId) ?? event.tool;
        return [{ kind: "call", title: harmless(title), text: [...lines.slice(0, SHOWN), ...more].join("\n"), ended }];
      }
      case "turn-end": {
        const { status, verification, fault } = event.outcome;
        const facts = [status === "done" ? "" : status, fault?.message ?? "", verification.text].filter(Boolean);
        return facts.length > 0 ? [{ kind: "note", text: facts.join("; ") }] : [];
      }
      default:
        return [];
    }
  });
}

/** What a call was about, in the words of its input. */
function firstText(input: Readonly<Record<string, unknown>>): string {
  const text = Object.values(input).find((value) => typeof value === "string") ?? "";
  return text.split("\n")[0]?.slice(0, 200) ?? "";
}

/** Text and a mark for each image; a call has a piece of its own, and thinking is no answer. */
function said(parts: readonly { readonly type: string; readonly text?: string }[]): string {
  const shown = parts.filter(({ type }) => type !== "tool-call" && type !== "thinking");
  return harmless(shown.map((part) => (part.type === "text" ? (part.text ?? "") : `[${part.type}]`)).join("\n"));
}

const headOf = ({ id, name, title, workspace, createdAt }: SessionRow) => ({
  title: harmless(name ?? title) || id,
  facts: `${id} · ${new Date(createdAt).toISOString().slice(0, 16).replace("T", " ")} · ${workspace}`,
});

export function sessionMarkdown(row: SessionRow, events: readonly Event[]): string {
  const head = headOf(row);
  const body = piecesOf(events).map((piece) => {
    if (piece.kind === "prompt") return `## ${piece.text.split("\n")[0] ?? ""}\n\n${quoted(piece.text)}`;
    if (piece.kind === "answer") return piece.text;
    if (piece.kind === "note") return `*${piece.text.replaceAll("*", "\\*").replaceAll("\n", " ")}*`;
    return `**${{ done: "✔", failed: "✗", denied: "✋" }[piece.ended]} ${piece.title.replaceAll("\n", " ")}**\n\n${fenced(piece.text)}`;
  });
  return `# ${head.title}\n\n${head.facts}\n\n${body.join("\n\n")}\n`;
}

const quoted = (text: string) =>
  text
    .split("\n")
    .map((line) => `> ${line}`.trimEnd())
    .join("\n");

/** A fence longer than any in the text. */
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`{3,}/g)].map(([mark]) => mark.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}\n${text}\n${fence}`;
}

/** One page with all it needs; nothing in a session becomes markup, and nothing is loaded. */
export function sessionHtml(row: SessionRow, events: readonly Event[]): string {
  const head = headOf(row);
  const body = piecesOf(events).map((piece) => {
    if (piece.kind !== "call") return `<section class="${piece.kind}"><pre>${escaped(piece.text)}</pre></section>`;
    return `<details class="${piece.ended}"><summary>${escaped(piece.title)}</summary><pre>${escaped(piece.text)}</pre></details>`;
  });
  const style =
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit;margin:0}details pre{font:13px/1.4 ui-monospace,monospace;padding:.5rem;background:#f4f4f4}section,details{margin:1rem 0}.prompt{border-left:4px solid #2563eb;padding-left:1rem;font-weight:600}.note{color:#6b6b6b}.failed summary,.denied summary{color:#b91c1c}@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#141414}details pre{background:#222}}";
  const policy = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`;
  return `<!doctype html>\n<html lang="en"><head><meta charset="utf-8">${policy}<meta name="viewport" content="width=device-width"><title>${escaped(head.title)}</title><style>${style}</style></head><body><h1>${escaped(head.title)}</h1><p class="note">${escaped(head.facts)}</p>\n${body.join("\n")}\n</body></html>\n`;
}

function escaped(text: string): string {
  const names: Readonly<Record<string, string>> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "'": "&#39;",
  };
  return text.replaceAll(/[&<>"']/g, (character) => names[character] ?? "");
}
