/** The port between a session and whoever does the work: one voice, or a council. */
import type { Outcome, Task } from "../task.ts";

export interface Conductor {
  run(task: Task, signal: AbortSignal): Promise<Outcome>;
}
