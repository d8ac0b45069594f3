/** The loader of parts: one list per folder. Written by scripts/parts.ts; add a file there and run `npm run format`. */
import type { Tool } from "./core/tool.ts";
import type { Check } from "./guard/action.ts";
import checksAgentAction from "./guard/checks/agent-action.ts";
import checksCodeGeneration from "./guard/checks/code-generation.ts";
import checksDataAccess from "./guard/checks/data-access.ts";
import checksNetworkAccess from "./guard/checks/network-access.ts";
import checksPolicy from "./guard/checks/policy.ts";
import checksResourceLimits from "./guard/checks/resource-limits.ts";
import checksThreat from "./guard/checks/threat.ts";
import checksToolUsage from "./guard/checks/tool-usage.ts";
import backendsBubblewrap from "./sandbox/backends/bubblewrap.ts";
import backendsDocker from "./sandbox/backends/docker.ts";
import backendsE2b from "./sandbox/backends/e2b.ts";
import backendsLandlock from "./sandbox/backends/landlock.ts";
import backendsPodman from "./sandbox/backends/podman.ts";
import backendsSandboxRuntime from "./sandbox/backends/sandbox-runtime.ts";
import type { AnyPart } from "./sandbox/remote.ts";
import toolsAskUser from "./tools/ask_user.ts";
import toolsDefinition from "./tools/definition.ts";
import toolsEdit from "./tools/edit.ts";
import toolsGlob from "./tools/glob.ts";
import toolsGrep from "./tools/grep.ts";
import toolsRead from "./tools/read.ts";
import toolsReadUntrusted from "./tools/read_untrusted.ts";
import toolsReferences from "./tools/references.ts";
import toolsRepoMap from "./tools/repo_map.ts";
import toolsShell from "./tools/shell.ts";
import toolsTask from "./tools/task.ts";
import toolsTodoWrite from "./tools/todo_write.ts";
import toolsToolCall from "./tools/tool_call.ts";
import toolsToolSearch from "./tools/tool_search.ts";
import toolsWebFetch from "./tools/web_fetch.ts";
import toolsWrite from "./tools/write.ts";

/** Every part in src/tools. */
export const tools: readonly Tool[] = [
  toolsAskUser,
  toolsDefinition,
  toolsEdit,
  toolsGlob,
  toolsGrep,
  toolsRead,
  toolsReadUntrusted,
  toolsReferences,
  toolsRepoMap,
  toolsShell,
  toolsTask,
  toolsTodoWrite,
  toolsToolCall,
  toolsToolSearch,
  toolsWebFetch,
  toolsWrite,
];

/** Every part in src/guard/checks. */
export const checks: readonly Check[] = [
  checksAgentAction,
  checksCodeGeneration,
  checksDataAccess,
  checksNetworkAccess,
  checksPolicy,
  checksResourceLimits,
  checksThreat,
  checksToolUsage,
];

/** Every part in src/sandbox/backends. */
export const backends: readonly AnyPart[] = [
  backendsBubblewrap,
  backendsDocker,
  backendsE2b,
  backendsLandlock,
  backendsPodman,
  backendsSandboxRuntime,
];
