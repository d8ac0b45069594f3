/** Configuration keys of the conversation at a terminal: how long answers are, colours, notices, how long sessions stay. */
import * as z from "zod/mini";
import { STYLES } from "../core/style.ts";
import type { Key } from "./key.ts";

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
