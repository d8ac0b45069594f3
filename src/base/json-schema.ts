/** Checks a value against a JSON Schema and bends it where the meaning is plain ("3" for 3, one value for a list of one). */
import { patternCost } from "./pattern-cost.ts";

/** True for a plain object: not null, not a list. */
export function isFields(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

type Schema = Readonly<Record<string, unknown>>;

export interface Checked {
  readonly value: unknown;
  /** `path: complaint`, empty when the value fits. */
  readonly problems: readonly string[];
  /** The value had to be bent to fit. */
  readonly coerced: boolean;
}

/**
 * Knows type, enum, const, properties, required, items, additionalProperties, anyOf/oneOf/allOf, local $ref,
 * the bounds of numbers, strings and lists, and pattern (JSON Schema 2020-12). Other keywords are ignored.
 */
export function checkSchema(schema: Schema, value: unknown): Checked {
  const state: State = { root: schema, problems: [], coerced: false, depth: 0, work: { steps: 0, patternSteps: 0 } };
  const bent = visit(state, schema, value, "");
  return { value: bent, problems: state.problems, coerced: state.coerced };
}

interface State {
  readonly root: Schema;
  readonly problems: string[];
  coerced: boolean;
  depth: number;
  /** Of all branches together: a schema may name itself in each of two branches. */
  readonly work: { steps: number; patternSteps: number };
}

const MOST_STEPS = 20_000;

function visit(state: State, schema: Schema, value: unknown, path: string): unknown {
  if (++state.depth > 2_000 || ++state.work.steps > MOST_STEPS) {
    state.problems.push(`${path || "input"}: too large`);
    return value;
  }
  const resolved = follow(state.root, schema);
  const branches = resolved["anyOf"] ?? resolved["oneOf"];
  if (Array.isArray(branches)) return visitBranches(state, branches.filter(isFields), value, path);
  if (Array.isArray(resolved["allOf"])) {
    return resolved["allOf"].filter(isFields).reduce<unknown>((kept, part) => visit(state, part, kept, path), value);
  }
  const bent = bend(state, resolved, value);
  const complaint = complain(resolved, bent) ?? mismatch(bent, resolved["pattern"], state.work);
  if (complaint !== undefined) {
    state.problems.push(`${path || "input"}: ${complaint}`);
    return bent;
  }
  if (isFields(bent)) return visitObject(state, resolved, bent, path);
  const items = resolved["items"];
  if (Array.isArray(bent) && isFields(items))
    return bent.map((item, index) => visit(state, items, item, `${path}[${index}]`));
  return bent;
}

function follow(root: Schema, schema: Schema): Schema {
  const ref = schema["$ref"];
  if (typeof ref !== "string" || !ref.startsWith("#")) return schema;
  let found: unknown = root;
  for (const step of ref.slice(1).split("/").filter(Boolean)) found = isFields(found) ? found[step] : undefined;
  return isFields(found) && found !== schema ? found : {};
}

/** The first branch that fits as it is, else the first that fits when bent, else the complaint of the last. */
function visitBranches(state: State, branches: readonly Schema[], value: unknown, path: string): unknown {
  const tries = branches.map((branch) => {
    const inner: State = { root: state.root, problems: [], coerced: false, depth: state.depth, work: state.work };
    return { inner, bent: visit(inner, branch, value, path) };
  });
  const best =
    tries.find(({ inner }) => inner.problems.length === 0 && !inner.coerced) ??
    tries.find(({ inner }) => inner.problems.length === 0) ??
    tries[0];
  if (!best) return value;
  state.problems.push(...best.inner.problems);
  state.coerced ||= best.inner.coerced;
  return best.bent;
}

function visitObject(state: State, schema: Schema, value: Schema, path: string): Schema {
  const properties = isFields(schema["properties"]) ? schema["properties"] : {};
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  const extra = schema["additionalProperties"];
  const result: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const place = path === "" ? key : `${path}.${key}`;
    const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
    const empty = item === null || item === undefined;
    if (isFields(property)) {
      if (
        empty &&
        !required.includes(key) &&
        complain(follow(state.root, property), item) !== undefined &&
        !property["anyOf"]
      ) {
        state.coerced = true;
        continue;
      }
      keep(result, key, visit(state, property, item, place));
    } else if (extra !== false) {
      keep(result, key, isFields(extra) ? visit(state, extra, item, place) : item);
    } else if (empty) state.coerced = true;
    else state.problems.push(`${place}: unknown field; known are ${Object.keys(properties).join(", ") || "none"}`);
  }
  for (const key of required) {
    if (typeof key === "string" && !Object.hasOwn(result, key))
      state.problems.push(`${path === "" ? key : `${path}.${key}`}: missing`);
  }
  return result;
}

/** Sets an own field even for keys like `__proto__`. */
function keep(target: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}

function typesOf(schema: Schema): readonly string[] {
  const type = schema["type"];
  if (typeof type === "string") return [type];
  if (Array.isArray(type)) return type.filter((item) => typeof item === "string");
  return isFields(schema["properties"]) ? ["object"] : [];
}

function fits(type: string, value: unknown): boolean {
  switch (type) {
    case "integer":
      return Number.isInteger(value);
    case "number":
      return typeof value === "number" && Number.isFinite(value);
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return isFields(value);
    default:
      return typeof value === type;
  }
}

/** The value in a type that the schema wants, where there is only one reading. */
function bend(state: State, schema: Schema, value: unknown): unknown {
  const types = typesOf(schema);
  if (types.length === 0 || types.some((type) => fits(type, value))) return bendEnum(state, schema, value);
  for (const type of types) {
    const bent = bendTo(type, value);
    if (bent === undefined) continue;
    state.coerced = true;
    return bendEnum(state, schema, bent);
  }
  return value;
}

function bendEnum(state: State, schema: Schema, value: unknown): unknown {
  const allowed = schema["enum"];
  if (!Array.isArray(allowed) || typeof value !== "string" || allowed.includes(value)) return value;
  const wanted = value.trim().toLowerCase();
  const matches = allowed.filter((item) => typeof item === "string" && item.toLowerCase() === wanted);
  if (matches.length !== 1) return value;
  state.coerced = true;
  return matches[0];
}

function bendTo(type: string, value: unknown): unknown {
  if (type === "integer" || type === "number") {
    if (typeof value !== "string" || !/^\s*[-+]?\d+(\.\d+)?([eE][-+]?\d{1,3})?\s*$/.test(value)) return undefined;
    const number = Number(value);
    return fits(type, number) ? number : undefined;
  }
  if (type === "boolean")
    return typeof value === "string" ? { true: true, false: false }[value.trim().toLowerCase()] : undefined;
  if (type === "string") return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
  if (type === "object" || type === "array") {
    const parsed = typeof value === "string" ? parsedAs(type, value) : undefined;
    if (parsed !== undefined) return parsed;
    return type === "array" && value !== null && value !== undefined ? [value] : undefined;
  }
  return undefined;
}

function parsedAs(type: string, text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return fits(type, value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** What is wrong with the value itself (not its fields), in words for the model. */
function complain(schema: Schema, value: unknown): string | undefined {
  const types = typesOf(schema);
  if (types.length > 0 && !types.some((type) => fits(type, value))) return `expected ${types.join(" or ")}`;
  if (Array.isArray(schema["enum"]) && !schema["enum"].some((item) => item === value))
    return `expected one of ${JSON.stringify(schema["enum"])}`;
  if ("const" in schema && schema["const"] !== value) return `expected ${JSON.stringify(schema["const"])}`;
  if (typeof value === "number") return outside(value, schema, ["minimum", "maximum"]) ?? beyond(value, schema);
  if (typeof value === "string") return outside(value.length, schema, ["minLength", "maxLength"]);
  if (Array.isArray(value)) return outside(value.length, schema, ["minItems", "maxItems"]);
  return undefined;
}

function outside(size: number, schema: Schema, [low, high]: readonly [string, string]): string | undefined {
  const least = schema[low];
  const most = schema[high];
  if (typeof least === "number" && size < least) return `${low} is ${least}`;
  if (typeof most === "number" && size > most) return `${high} is ${most}`;
  return undefined;
}

function beyond(value: number, schema: Schema): string | undefined {
  const low = schema["exclusiveMinimum"];
  const high = schema["exclusiveMaximum"];
  if (typeof low === "number" && value <= low) return `must be greater than ${low}`;
  if (typeof high === "number" && value >= high) return `must be less than ${high}`;
  return undefined;
}

/** What looking for patterns may cost at worst: they are somebody else's, and may be made never to end. */
const MOST_PATTERN_STEPS = 10_000_000;

/** A pattern that could take too long is not looked for: whoever wrote it checks it again. */
function mismatch(value: unknown, pattern: unknown, work: State["work"]): string | undefined {
  if (typeof value !== "string" || typeof pattern !== "string") return undefined;
  work.patternSteps += patternCost(pattern, value.length);
  if (work.patternSteps > MOST_PATTERN_STEPS) return undefined;
  try {
    return new RegExp(pattern, "u").test(value) ? undefined : `does not match ${pattern}`;
  } catch {
    return undefined;
  }
}
