/** What one token costs in a model's key-value cache, from the shape that its file names. */
import { countField, textField } from "./probe.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Key and value, 2 bytes each number (f16), for every layer and key-value head; undefined when the shape is not told. */
export function kvBytes(shape: Fields): number | undefined {
  const arch = textField(shape, "general.architecture") ?? "";
  const layers = countField(shape, `${arch}.block_count`);
  const heads = countField(shape, `${arch}.attention.head_count`);
  const kvHeads = countField(shape, `${arch}.attention.head_count_kv`) ?? heads;
  const width = countField(shape, `${arch}.embedding_length`);
  const key = countField(shape, `${arch}.attention.key_length`) ?? (width && heads ? width / heads : undefined);
  const value = countField(shape, `${arch}.attention.value_length`) ?? key;
  return layers && kvHeads && key && value ? layers * kvHeads * (key + value) * 2 : undefined;
}
