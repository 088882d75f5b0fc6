import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseEnv } from "node:util";

/** The project's folder, so that commands work from any directory. */
export const ROOT = resolve(fileURLToPath(new URL("../..", import.meta.url)));

/** Run by this Node, without a shell or PATH. */
export const WRANGLER = `${ROOT}/node_modules/wrangler/bin/wrangler.js`;

/** The committed settings of development. */
export function developmentSettings(): NodeJS.Dict<string> {
  return parseEnv(readFileSync(`${ROOT}/.env.development`, "utf8"));
}
