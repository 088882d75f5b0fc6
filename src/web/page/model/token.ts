import * as z from "zod";
import { claimAt } from "../../../domain/claim.ts";
import { isUserId, normalizedUserId } from "../../../domain/person.ts";

const claims = z.looseObject({
  exp: z.number(),
  name: z.string().optional().catch(undefined),
});

/**
 * The user of a token, unless it has expired; `userClaim` and `roleClaim` are the server's settings
 * `JWT_USER_CLAIM` and `JWT_ROLE_CLAIM`. Only the server verifies the token.
 */
export function personOf(
  token: string,
  userClaim: string | undefined,
  now: number,
  roleClaim?: string,
): { id: string; name: string; expiresAt: number; isStaff: boolean } | undefined {
  try {
    const [, payload = ""] = token.split(".");
    const bytes = Uint8Array.from(atob(payload.replace(/-/g, "+").replace(/_/g, "/")), (letter) =>
      letter.charCodeAt(0),
    );
    const parsed = claims.parse(JSON.parse(new TextDecoder().decode(bytes)));
    const named = (userClaim ? [userClaim] : ["sub", "nameid"]).map((name) =>
      claimAt(parsed, name),
    );
    const id = z
      .string()
      .refine(isUserId)
      .parse(named.find((value) => value !== undefined));
    const expiresAt = parsed.exp * 1_000;
    if (expiresAt <= now) return undefined;
    const roles = (roleClaim ? [roleClaim] : ["role", "roles"])
      .map((name) => claimAt(parsed, name))
      .find((value) => value !== undefined);
    const isStaff = [roles].flat().some((role) => role === "resolver" || role === "admin");
    return { id: normalizedUserId(id), name: parsed.name ?? id, expiresAt, isStaff };
  } catch {
    return undefined;
  }
}
