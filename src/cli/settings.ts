import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";

/** The project's folder: commands work from anywhere. */
export const ROOT = resolve(fileURLToPath(new URL("../..", import.meta.url)));

/** Run by this Node, so that no shell and no PATH is needed. */
export const WRANGLER = `${ROOT}/node_modules/wrangler/bin/wrangler.js`;

/** The committed settings of development. */
export function developmentSettings(): NodeJS.Dict<string> {
  return parseEnv(readFileSync(`${ROOT}/.env.development`, "utf8"));
}
