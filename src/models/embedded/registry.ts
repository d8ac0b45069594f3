/** The model files that a person added: where each lies, what it is, and by which content it is known. */
import { createHash } from "node:crypto";
import { createReadStream, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, isAbsolute } from "node:path";
import * as z from "zod/mini";
import { CrucibleError, errnoOf } from "../../base/error.ts";
import { nearest } from "../../base/text.ts";
import { unwritable } from "../../base/unwritable.ts";
import { kvBytes } from "../kv-bytes.ts";
import { countField, textField } from "../probe.ts";
import { type GgufHead, readGguf } from "./gguf.ts";

const EntrySchema = z.object({
  name: z.string(),
  path: z.string(),
  /** SHA-256 of the whole file in hex; absent for a file that was named and not added. */
  digest: z.optional(z.string()),
  sizeBytes: z.number(),
  mtimeMs: z.number(),
  kind: z.enum(["chat", "embedding"]),
  maxWindow: z.optional(z.number()),
  kvBytesPerToken: z.optional(z.number()),
});
const FileSchema = z.object({ version: z.literal(1), models: z.array(EntrySchema) });

/** One model file. */
export type Entry = z.infer<typeof EntrySchema>;

/** Every added model. Throws `bad-config` when the file cannot be read. */
export function readEntries(file: string): readonly Entry[] {
  try {
    return z.parse(FileSchema, JSON.parse(readFileSync(file, "utf8"))).models;
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw new CrucibleError("bad-config", `${file} does not hold a list of models`, {
      hint: "move it away and add the models again: crucible models add ./file.gguf",
      cause: error,
    });
  }
}

/** Adds a file, or renews what is known of it. Throws `model-missing`, `model-unfit`, `usage` for a name in use. */
export async function addEntry(file: string, path: string, name = nameOf(path)): Promise<Entry> {
  const entry = entryOf(path, name);
  const known = readEntries(file);
  const other = known.find((one) => one.name === name && one.path !== path);
  if (other)
    throw new CrucibleError("usage", `embedded/${name} is ${other.path}`, { hint: "give another name with --name" });
  const added = { ...entry, digest: await digestOf(path) };
  // Read again: the digest of a large file takes a while.
  const rest = readEntries(file).filter((one) => one.name !== name && one.path !== path);
  writeEntries(file, [...rest, added]);
  return added;
}

/** Forgets an added model; its file stays. Throws `model-missing`. */
export function removeEntry(file: string, name: string): Entry {
  const known = readEntries(file);
  const gone = known.find((one) => one.name === name || one.path === name);
  if (!gone) throw unknownModel(name, known);
  writeEntries(
    file,
    known.filter((one) => one !== gone),
  );
  return gone;
}

/** An added model by its name, or any file by its absolute path. Throws when it is not what it was. */
export function findEntry(file: string, name: string): Entry {
  if (isAbsolute(name)) return entryOf(name, name);
  const known = readEntries(file);
  const entry = known.find((one) => one.name === name);
  if (!entry) throw unknownModel(name, known);
  if (!isUnchanged(entry)) {
    const { path } = entry;
    throw new CrucibleError("model-missing", `${path} is not the file that was added as embedded/${name}`, {
      hint: `add it again: crucible models add ${path}`,
    });
  }
  return entry;
}

/** True when the file still has the size and time it was added with. */
export function isUnchanged({ path, sizeBytes, mtimeMs }: Entry): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat !== undefined && stat.size === sizeBytes && Math.floor(stat.mtimeMs) === mtimeMs;
}

/** Architectures that only make embeddings. */
const ENCODERS = /bert|^t5encoder$|embed/;

function entryOf(path: string, name: string): Entry {
  const head = readGguf(path);
  const { fields, sizeBytes, mtimeMs } = head;
  const arch = textField(fields, "general.architecture") ?? "";
  const maxWindow = countField(fields, `${arch}.context_length`);
  const kvBytesPerToken = kvBytes(fields);
  if (arch === "" || textField(fields, "tokenizer.ggml.model") === undefined)
    throw new CrucibleError("model-unfit", `${path} holds no language model`, {
      hint: "name the file of a model with its vocabulary, not a part or an adapter",
    });
  return {
    name,
    path,
    sizeBytes,
    mtimeMs,
    kind: kindOf(head, arch),
    ...(maxWindow === undefined ? {} : { maxWindow }),
    ...(kvBytesPerToken === undefined ? {} : { kvBytesPerToken }),
  };
}

function kindOf({ fields }: GgufHead, arch: string): Entry["kind"] {
  const pooled = countField(fields, `${arch}.pooling_type`) !== undefined;
  return pooled || ENCODERS.test(arch) ? "embedding" : "chat";
}

function nameOf(path: string): string {
  return basename(path).replace(/\.gguf$/i, "");
}

function unknownModel(name: string, known: readonly Entry[]): CrucibleError {
  const meant = nearest(
    name,
    known.map((one) => one.name),
  );
  return new CrucibleError("model-missing", `no model embedded/${name} was added`, {
    hint: meant === undefined ? "add its file: crucible models add ./file.gguf" : `did you mean embedded/${meant}?`,
  });
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** Whole or not at all: a crash leaves the list before. */
function writeEntries(file: string, models: readonly Entry[]): void {
  const next = `${file}.${process.pid}`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(next, `${JSON.stringify({ version: 1, models }, null, 2)}\n`, { mode: 0o600 });
    renameSync(next, file);
  } catch (error) {
    throw unwritable(file, error);
  }
}
