/** Files the person named: images, schemas, standard input. */
import { fstatSync, readFileSync, realpathSync, statSync, writeFileSync } from "node:fs";
import { extname, isAbsolute, resolve } from "node:path";
import { CrucibleError } from "../base/error.ts";
import type { ImagePart } from "../core/message.ts";

const IMAGES: Readonly<Record<string, string>> = {
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".jpeg": "image/jpeg",
  ".gif": "image/gif",
  ".webp": "image/webp",
};
const MAX_IMAGE = 20 * 1024 * 1024;
/** How long a pipe without data is waited for when there is a prompt already (milliseconds). */
const PIPE_MS = 3000;

/** The folder that `flag` names, links resolved. Throws `bad-input`. */
export function workFolder(dir: string | undefined, flag = "-C"): string {
  const folder = dir !== undefined && isAbsolute(dir) ? resolve(dir) : resolve(currentFolder(), dir ?? ".");
  try {
    if (statSync(folder).isDirectory()) return realpathSync(folder);
  } catch (error) {
    throw new CrucibleError("bad-input", `the folder ${folder} cannot be opened`, {
      hint: `check the path given to ${flag}`,
      cause: error,
    });
  }
  throw new CrucibleError("bad-input", `${folder} is not a folder`, { hint: `check the path given to ${flag}` });
}

function currentFolder(): string {
  try {
    return process.cwd();
  } catch (error) {
    throw new CrucibleError("bad-input", "the folder you are in is gone", {
      hint: "change into one that is there: cd",
      cause: error,
    });
  }
}

/** An image as a message part. Throws `bad-input`. */
export function readImage(file: string): ImagePart {
  const mediaType = IMAGES[extname(file).toLowerCase()];
  if (!mediaType) throw new CrucibleError("bad-input", `${file} is not a png, jpg, gif or webp image`);
  const bytes = readNamed(file);
  if (bytes.length > MAX_IMAGE) throw new CrucibleError("bad-input", `${file} is larger than 20 MiB`);
  return { type: "image", mediaType, data: bytes.toString("base64") };
}

/** A JSON Schema given as text or `@file`. Throws `bad-input`. */
export function readSchema(text: string): Record<string, unknown> {
  const source = text.startsWith("@") ? readNamed(text.slice(1)).toString("utf8") : text;
  try {
    const value: unknown = JSON.parse(source);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (error) {
    throw new CrucibleError(
      "bad-input",
      `--json-schema is not JSON: ${error instanceof Error ? error.message : String(error)}`,
      { hint: "give JSON text or @file", cause: error },
    );
  }
  throw new CrucibleError("bad-input", "--json-schema is not a JSON object", { hint: "give JSON text or @file" });
}

export function readNamed(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CrucibleError("bad-input", `${file} cannot be read`, { hint: "check the path", cause: error });
  }
}

/** True when standard input is a pipe, a file or a socket that may carry text for us. */
export function stdinCarriesText(): boolean {
  try {
    const stat = fstatSync(0);
    return stat.isFIFO() || stat.isFile() || stat.isSocket();
  } catch {
    return false;
  }
}

/** Everything on standard input. With `patient` false a pipe that stays silent is left alone after three seconds. */
export async function readStdin(patient: boolean): Promise<string | undefined> {
  const { stdin } = process;
  const chunks: Buffer[] = [];
  const silence = Promise.withResolvers<undefined>();
  const timer = patient ? undefined : setTimeout(() => silence.resolve(undefined), PIPE_MS);
  const all = (async () => {
    for await (const chunk of stdin) {
      clearTimeout(timer);
      chunks.push(chunk as Buffer);
    }
    return Buffer.concat(chunks).toString("utf8");
  })();
  try {
    const text = await Promise.race([all, silence.promise]);
    if (text === undefined) stdin.destroy();
    return text;
  } finally {
    clearTimeout(timer);
  }
}

/** Writes a file that the person named; one that is there is never overwritten. Throws `bad-input`. */
export function writeNamed(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: "wx", mode: 0o600 });
  } catch (error) {
    const taken = error instanceof Error && "code" in error && error.code === "EEXIST";
    throw new CrucibleError("bad-input", taken ? `${file} is there already` : `${file} cannot be written`, {
      hint: taken ? "name another file" : "check the folder and its permissions",
      cause: error,
    });
  }
}
