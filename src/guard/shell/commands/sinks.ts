/** What network commands share: how their words name secret files, and which server none of them may speak to. */
import { isSecretPath } from "../../../base/secret-names.ts";

/** This program's own ports on this machine. */
export const OWN_SERVER = /(?:localhost|127\.\d+\.\d+\.\d+|\[::1\]|0\.0\.0\.0):300[23]\b/;

/** True when a file that holds secrets is named anywhere in the word: `@.env`, `f=@.env`, `FILE:.env`, `\copy t from '.env'`. */
export const namesSecret = (word: string): boolean =>
  word.length < 4096 && word.split(/[\s'"=@:,;<>()]+/).some((part) => part !== "" && isSecretPath(part));
