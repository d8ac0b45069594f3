/** Configuration keys of a day's work: how long answers are, colours, notices, how long sessions stay, language servers. */
import * as z from "zod/mini";
import { STYLES } from "../core/style.ts";
import type { Key } from "./key.ts";

const languageServer = z.strictObject({
  command: z.array(z.string()).check(z.minLength(1)),
  extensions: z.record(z.string().check(z.regex(/^\.\w+$/, "an extension begins with a dot")), z.string()),
});

export const FACE_KEYS: Readonly<Record<string, Key>> = {
  style: {
    scope: "any",
    schema: z.enum(STYLES),
    fallback: "normal",
    about: "how long answers are: concise (at most four lines unless more is asked for), normal, verbose",
  },
  "sessions.keepDays": {
    scope: "user",
    schema: z.number().check(z.int(), z.positive()),
    fallback: undefined,
    about: "sessions that nobody used for so many days are removed; unset: all are kept",
  },
  "lsp.enabled": {
    scope: "user",
    schema: z.enum(["auto", "off"]),
    fallback: "auto",
    about: "language servers that are installed tell of errors after an edit",
  },
  "lsp.servers": {
    scope: "user",
    schema: z.record(z.string().check(z.regex(/^[a-z][a-z0-9-]*$/)), languageServer),
    fallback: {},
    about: "language servers of your own: command, and extensions with their language ids",
  },
  "ui.theme": {
    scope: "user",
    schema: z.enum(["auto", "dark", "light", "none"]),
    fallback: "auto",
    about: "colours of the interactive mode",
  },
  "ui.notify": {
    scope: "user",
    schema: z.enum(["bell", "desktop", "off"]),
    fallback: "bell",
    about: "how you are told that a question waits, or that a turn of more than 30 s has ended",
  },
};
