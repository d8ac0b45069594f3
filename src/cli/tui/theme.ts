/** The colours of the interactive mode: names of roles, three themes, and what pi-tui's parts want of them. */
import type { EditorTheme, MarkdownTheme, SelectListTheme } from "@earendil-works/pi-tui";
import type { Style } from "../output.ts";

export const THEMES = ["auto", "dark", "light", "none"] as const;
export type ThemeName = (typeof THEMES)[number];

export interface Theme extends Style {
  readonly italic: (text: string) => string;
  readonly accent: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly editor: EditorTheme;
  readonly select: SelectListTheme;
  readonly markdown: MarkdownTheme;
}

const paint = (open: string, close: string) => (text: string) =>
  text === "" ? text : `\u001b[${open}m${text}\u001b[${close}m`;
const plain = (text: string) => text;

/** Colours of the terminal's own palette, so that they fit its background; `light` takes darker ones. */
const PALETTES = {
  dark: { accent: "36", faint: "90", red: "31", green: "32", yellow: "33", code: "36" },
  light: { accent: "34", faint: "90", red: "31", green: "32", yellow: "35", code: "34" },
} as const;

export function themeOf(name: ThemeName, color: boolean): Theme {
  const palette = !color || name === "none" ? undefined : PALETTES[name === "light" ? "light" : "dark"];
  const tone = (key: keyof (typeof PALETTES)["dark"]) => (palette ? paint(palette[key], "39") : plain);
  const mark = (open: string, close: string) => (palette ? paint(open, close) : plain);
  const [bold, italic, underline, strike] = [mark("1", "22"), mark("3", "23"), mark("4", "24"), mark("9", "29")];
  const [accent, faint, code] = [tone("accent"), tone("faint"), tone("code")];
  const select: SelectListTheme = {
    selectedPrefix: accent,
    selectedText: (text) => bold(accent(text)),
    description: faint,
    scrollInfo: faint,
    noMatch: faint,
  };
  return {
    ...{ dim: faint, bold, italic, accent, faint, cyan: accent },
    ...{ red: tone("red"), green: tone("green"), yellow: tone("yellow") },
    select,
    editor: { borderColor: faint, selectList: select },
    markdown: {
      heading: (text) => bold(accent(text)),
      link: underline,
      linkUrl: faint,
      code,
      codeBlock: plain,
      codeBlockBorder: faint,
      quote: italic,
      quoteBorder: faint,
      hr: faint,
      listBullet: accent,
      bold,
      italic,
      strikethrough: strike,
      underline,
    },
  };
}
