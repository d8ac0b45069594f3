/** What a command of the command line gets. */
import type { App } from "./app.ts";
import type { Faces } from "./serving.ts";

export type MakeApp = (options: {
  workspace: string;
  bare: boolean;
  flags: ReadonlyMap<string, { value: unknown; place: string }>;
}) => Promise<App>;

export interface CommandContext {
  /** Every command there is, for those that tell of all of them. */
  readonly commands?: CommandTable;
  readonly makeApp: MakeApp;
  readonly env: Readonly<Record<string, string>>;
  readonly version: string;
  readonly faces: Faces;
}

/** The commands by name. How a module declares itself is the command line's own business. */
export type CommandTable = Readonly<
  Record<
    string,
    {
      readonly about: string;
      readonly load: () => Promise<{
        default(command: never, context: CommandContext, finish: (code: number) => void): void;
      }>;
    }
  >
>;
