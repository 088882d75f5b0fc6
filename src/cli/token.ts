/** `npm run token -- alice [--role admin] [--name Alice] [--hours 12]` prints a development token. */
import { parseArgs } from "node:util";
import { SignJWT } from "jose";
import { PLATFORM_ROLES } from "../domain/policy.ts";
import { misused } from "./exit.ts";
import { developmentSettings } from "./settings.ts";

const USAGE = "npm run token -- USER_ID [--role admin] [--name Alice] [--hours 12]";

const { userId, role, name, hours } = commandLine();
const secret = developmentSettings()["JWT_SECRET"]?.split(",")[0];
if (!secret) throw new Error(".env.development has no JWT_SECRET");
const now = Math.floor(Date.now() / 1_000);
const token = await new SignJWT({ ...(name && { name }), ...(role && { role }) })
  .setProtectedHeader({ alg: "HS256" })
  .setSubject(userId)
  .setIssuedAt(now)
  .setExpirationTime(now + Math.round(hours * 3_600))
  .sign(new TextEncoder().encode(secret));
console.log(token);

/**
 * Parses the command line; prints the usage on request, and exits with it if the command line is
 * invalid.
 */
function commandLine() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        role: { type: "string" },
        name: { type: "string" },
        hours: { type: "string", default: "12" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help) {
      console.log(`usage: ${USAGE}`);
      process.exit(0);
    }
    const [userId, ...rest] = positionals;
    const hours = Number(values.hours);
    if (!userId) throw new Error("a user id is missing");
    if (rest.length > 0) throw new Error(`one user id at a time, not also ${rest.join(" ")}`);
    if (!(hours > 0 && hours < Infinity)) throw new Error("--hours takes a number above zero");
    if (values.role !== undefined && !PLATFORM_ROLES.some((known) => known === values.role)) {
      throw new Error(`--role takes one of ${PLATFORM_ROLES.join(", ")}`);
    }
    return { userId, role: values.role, name: values.name, hours };
  } catch (error) {
    misused(error, USAGE);
  }
}
