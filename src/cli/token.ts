/** `npm run token -- alice [--role admin] [--name Alice] [--hours 12]` prints a development token. */
import { parseArgs } from "node:util";
import { SignJWT } from "jose";
import { developmentSettings } from "./settings.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    role: { type: "string" },
    name: { type: "string" },
    hours: { type: "string", default: "12" },
  },
});
const [userId, ...rest] = positionals;
const hours = Number(values.hours);
if (!userId || rest.length > 0 || !(hours > 0)) {
  console.error("usage: npm run token -- USER_ID [--role admin] [--name Alice] [--hours 12]");
  process.exit(2);
}
const secret = developmentSettings()["JWT_SECRET"]?.split(",")[0];
if (!secret) throw new Error(".env.development has no JWT_SECRET");
const now = Math.floor(Date.now() / 1_000);
const token = await new SignJWT({
  ...(values.name && { name: values.name }),
  ...(values.role && { role: values.role }),
})
  .setProtectedHeader({ alg: "HS256" })
  .setSubject(userId)
  .setIssuedAt(now)
  .setExpirationTime(now + Math.round(hours * 3_600))
  .sign(new TextEncoder().encode(secret));
console.log(token);
