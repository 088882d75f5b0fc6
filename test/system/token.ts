import { SignJWT } from "jose";
import { developmentSettings } from "../../src/cli/settings.ts";

const HALF_A_DAY = 12 * 60 * 60;

/** A development token as `npm run token` prints it, without a process for each. */
export function signedFor(
  userId: string,
  seconds = HALF_A_DAY,
  claims: { name?: string; role?: string } = {},
): Promise<string> {
  return new SignJWT({ sub: userId, ...claims })
    .setProtectedHeader({ alg: "HS256" })
    .setExpirationTime(Math.floor(Date.now() / 1_000) + seconds)
    .sign(new TextEncoder().encode(developmentSettings()["JWT_SECRET"]));
}

/** A development token that lasts half a day, with claims of one's own. */
export function tokenWith(userId: string, claims: { name?: string; role?: string }) {
  return signedFor(userId, HALF_A_DAY, claims);
}
