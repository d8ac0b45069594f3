/** What a command of the command line gets. */
import type { App } from "./app.ts";
import type { Faces } from "./serving.ts";

export type MakeApp = (options: {
  workspace: string;
  bare: boolean;
  flags: ReadonlyMap<string, { value: unknown; place: string }>;
}) => Promise<App>;

export interface CommandContext {
  readonly makeApp: MakeApp;
  readonly env: Readonly<Record<string, string>>;
  readonly version: string;
  readonly faces: Faces;
}
