/** Looking through what was said in earlier sessions. */
import type { DatabaseSync } from "node:sqlite";
import type { Event } from "../core/event.ts";
import type { SessionHit } from "../core/ports/store.ts";

/** Characters around what was found. */
const AROUND = 60;
const MOST = 200;

/** Prompts and answers that hold `words`, in any letter case; newest first. */
export function searchSessions(db: DatabaseSync, words: string, workspace: string | undefined): readonly SessionHit[] {
  // As it stands inside JSON.
  const inside = JSON.stringify(words).slice(1, -1);
  const rows = db
    .prepare(
      `SELECT e.session, e.at, e.body FROM events e JOIN sessions s ON s.id = e.session
       WHERE e.kind IN ('turn-start', 'model-end') AND instr(lower(e.body), lower(?)) > 0 ${workspace === undefined ? "" : "AND s.workspace = ?"}
       ORDER BY e.at DESC LIMIT 1000`,
    )
    .all(...(workspace === undefined ? [inside] : [inside, workspace]));
  const hits: SessionHit[] = [];
  for (const row of rows) {
    const event = JSON.parse(String(row["body"])) as Event;
    const text = saidIn(event);
    const at = text.toLowerCase().indexOf(words.toLowerCase());
    if (at < 0) continue;
    const who = event.kind === "turn-start" ? "person" : "model";
    const start = Math.max(0, at - AROUND);
    const snippet = text.slice(start, at + words.length + AROUND).replaceAll(/\s+/g, " ");
    hits.push({ session: String(row["session"]), at: Number(row["at"]), turn: event.turn ?? 0, who, snippet });
    if (hits.length === MOST) break;
  }
  return hits;
}

function saidIn(event: Event): string {
  const parts = event.kind === "turn-start" ? event.prompt : event.kind === "model-end" ? event.message.parts : [];
  return parts.map((part) => (part.type === "text" ? part.text : "")).join("\n");
}
