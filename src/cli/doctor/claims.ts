import { error, type Finding, note, ok, warning } from "./finding.ts";

/** What a token says of itself; the server alone can verify it. */

/** A token for this is usually one of an operator that was made to last. */
const LONG_MS = 24 * 60 * 60_000;

/** Judges what a token says of itself, by this computer's clock. */
export function lookAtToken(token: string, now: number): Finding {
  const claims = claimsOf(token);
  if (!claims) {
    return error(
      "token_unreadable",
      "The token is no JWT.",
      "Give the token alone, without Bearer and without quotes: docs/operations.md, The first admin token.",
    );
  }
  const { exp, nbf } = claims;
  if (typeof exp !== "number") {
    return error("token_without_end", "The token has no exp.", "Sign it with an expiry.");
  }
  const leftMs = exp * 1_000 - now;
  if (leftMs <= 0) {
    const at = new Date(exp * 1_000).toISOString();
    return error("token_expired", `The token expired at ${at}.`, "Sign or fetch a new one.");
  }
  if (typeof nbf === "number" && nbf * 1_000 > now + 60_000) {
    return error(
      "token_too_early",
      "The token is not valid yet (nbf).",
      "Check the clock of who signs.",
    );
  }
  if (leftMs > LONG_MS) {
    return warning(
      "token_long",
      `The token is valid for another ${Math.round(leftMs / LONG_MS)} days.`,
      "Tokens of admins should last an hour: nothing but a new secret revokes them.",
    );
  }
  if (claims["role"] === undefined && claims["roles"] === undefined) {
    return note(
      "token_claims",
      "The token has no claim role or roles; JWT_ROLE_CLAIM may name another.",
    );
  }
  return ok("token_claims", `The token is valid for another ${Math.round(leftMs / 60_000)} min.`);
}

function claimsOf(token: string): Record<string, unknown> | undefined {
  const [, payload, ...rest] = token.split(".");
  if (!payload || rest.length !== 1) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString());
    return typeof claims === "object" && claims !== null ? { ...claims } : undefined;
  } catch {
    return undefined;
  }
}
