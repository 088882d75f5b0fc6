import { SignJWT } from "jose";
import { developmentSettings } from "../../src/cli/settings.ts";

/** A token that Parley, the peers' Worker and the Node server all accept. */
export function tokenFor(userId: string): Promise<string> {
  return new SignJWT({ sub: userId })
    .setProtectedHeader({ alg: "HS256" })
    .setExpirationTime("12h")
    .sign(new TextEncoder().encode(developmentSettings()["JWT_SECRET"]));
}
