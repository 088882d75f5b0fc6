import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";

/** The project's folder: commands work from anywhere. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The committed settings of development. */
export function developmentSettings(): NodeJS.Dict<string> {
  return parseEnv(readFileSync(`${ROOT}/.env.development`, "utf8"));
}
