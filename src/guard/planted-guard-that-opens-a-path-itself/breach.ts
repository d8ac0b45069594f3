import { openSync } from "node:fs";
export const a = openSync("x", "r");
