/** Wires the audit log: where it lies, how it is opened, and what the command line may ask of it. */
import { systemClock } from "./base/clock.ts";
import { isBelowAnyCase } from "./base/control-places.ts";
import { CrucibleError } from "./base/error.ts";
import type { Config } from "./config/load.ts";
import type { AuditView } from "./core/ports/app.ts";
import type { AuditOptions } from "./observe/audit.ts";

const DAY_MS = 86_400_000;

/** The second place: where signed checkpoints are kept. */
export function checkpointPlace(config: Config): string {
  return config.get<string | undefined>("audit.checkpoints") ?? `${config.places.state}/audit-checkpoints`;
}

/**
 * Commands may write everywhere below `roots`: checkpoints there would prove nothing. The default lies in the state
 * folder, which is a control place wherever it is. Throws `bad-config`.
 */
export function refuseCheckpointsIn(roots: readonly string[], config: Config): void {
  const place = config.get<string | undefined>("audit.checkpoints");
  const root = roots.find((folder) => place !== undefined && isBelowAnyCase(folder, place));
  if (root === undefined) return;
  throw new CrucibleError("bad-config", `audit.checkpoints is ${place}, which the agent's commands may write`, {
    hint: `name a folder outside ${root}`,
  });
}

/** How this configuration wants its audit log; `redact` takes secrets out of what is recorded. */
export function auditOptions(config: Config, redact: AuditOptions["redact"]): AuditOptions {
  const days = config.get<number | undefined>("audit.retention");
  const { state } = config.places;
  return {
    folder: `${state}/audit`,
    checkpoints: checkpointPlace(config),
    level: config.get("audit.level"),
    clock: systemClock,
    redact,
    keepMs: days === undefined ? undefined : days * DAY_MS,
  };
}

/** The log as commands see it; the modules are loaded when they are asked for. */
export function auditView(config: Config): AuditView {
  const options = auditOptions(config, (value) => value);
  const { folder, checkpoints } = options;
  return {
    folder,
    checkpoints,
    async head() {
      const { auditState, verifierOf } = await import("./observe/audit-verify.ts");
      const state = auditState(folder);
      const verifier = verifierOf(folder);
      if (!state) return undefined;
      return { seq: state.head.seq, hash: state.head.hash, ...(verifier === undefined ? {} : { verifier }) };
    },
    async verify(kept) {
      await refuseBadKey(kept.key);
      return (await import("./observe/audit-verify.ts")).verifyAudit({ folder, checkpoints, ...kept });
    },
    async verifyExport(file, key) {
      await refuseBadKey(key);
      return (await import("./observe/audit-export.ts")).verifyExport(file, key);
    },
    async *tail(count, follow) {
      yield* (await import("./observe/audit-tail.ts")).tailAudit(folder, count, follow);
    },
    async export(wanted) {
      const [{ openAudit }, { exportAudit }] = await Promise.all([
        import("./observe/audit.ts"),
        import("./observe/audit-export.ts"),
      ]);
      // Covers what came since the last checkpoint; a log that cannot be written is exported up to there.
      if (await this.head()) openAudit(options).seal();
      return lines(exportAudit({ folder, checkpoints, ...wanted }));
    },
  };
}

/** A mistyped key says nothing about the log. Throws `usage`. */
async function refuseBadKey(key: string | undefined): Promise<void> {
  if (key === undefined) return;
  const { verifierFrom } = await import("./observe/signed-note.ts");
  try {
    verifierFrom(key);
  } catch (error) {
    throw new CrucibleError("usage", "--key: this is no verifier key", {
      hint: "it is one word, name+id+base64, as crucible audit head prints it",
      cause: error,
    });
  }
}

function* lines(source: Iterable<string>): Iterable<string> {
  try {
    yield* source;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CrucibleError("audit", `the audit log cannot be exported: ${why}`, {
      hint: "crucible audit verify",
      cause: error,
    });
  }
}
