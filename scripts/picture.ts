/** Draws what a terminal showed as an SVG: `node scripts/picture.ts docs/council.svg demo council`. */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";

const [target = "", ...words] = process.argv.slice(2);
const COLUMNS = 118;
const LINE = 19;
const WIDE = 8.4;
const COLORS: Readonly<Record<string, string>> = { 31: "#f7768e", 32: "#9ece6a", 33: "#e0af68", 36: "#7dcfff" };

let style = "";

const run = spawnSync(process.execPath, [resolve(import.meta.dirname, "../src/main.ts"), ...words], {
  encoding: "utf8",
  env: { ...process.env, FORCE_COLOR: "1" },
});
if (run.status !== 0) throw new Error(run.stderr);
const lines = run.stdout.trimEnd().split("\n").flatMap(wrapped);
const height = lines.length * LINE + 32;
const width = Math.ceil(COLUMNS * WIDE) + 40;
writeFileSync(
  target,
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="crucible ${words.join(" ")}">
<rect width="100%" height="100%" rx="8" fill="#1a1b26"/>
<g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="14" fill="#c0caf5" xml:space="preserve">
${lines.map((line, at) => `<text x="20" y="${28 + at * LINE}">${spans(line)}</text>`).join("\n")}
</g>
</svg>
`,
);

/** Lines as wide as the picture, broken between words. */
function wrapped(line: string): string[] {
  const parts: string[] = [];
  let part = "";
  let wide = 0;
  for (const [token] of line.matchAll(/\u001b\[[\d;]*m|\s+|[^\s\u001b]+/gu)) {
    const size = token.startsWith("\u001b") ? 0 : token.length;
    if (wide + size > COLUMNS && wide > 0) {
      parts.push(part);
      part = "    ";
      wide = 4;
      if (/^\s/.test(token)) continue;
    }
    part += token;
    wide += size;
  }
  return [...parts, part];
}

/** Colours go on over the end of a line, as a terminal has it. */
function spans(line: string): string {
  let out = "";
  for (const [token] of line.matchAll(/\u001b\[[\d;]*m|[^\u001b]+/gu)) {
    if (token.startsWith("\u001b")) style = styleOf(token, style);
    else out += style === "" ? escaped(token) : `<tspan${style}>${escaped(token)}</tspan>`;
  }
  return out;
}

function styleOf(code: string, before: string): string {
  const number = /\[(\d+)m/.exec(code)?.[1] ?? "0";
  if (number === "22" || number === "39" || number === "0") return "";
  if (number === "1") return `${before} font-weight="bold"`;
  return number === "2" ? `${before} fill-opacity="0.6"` : `${before} fill="${COLORS[number] ?? "#c0caf5"}"`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
