import { errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from "jose";
import { z } from "zod";
import { claimAt } from "../domain/claim.ts";
import { isErasedUserId, isUserId, MAX_NAME_LENGTH, normalizedUserId } from "../domain/person.ts";
import { type Actor, PLATFORM_ROLES, type PlatformRole } from "../domain/policy.ts";
import { hasControlCharacters, hasSpoofingCharacters } from "../domain/text.ts";
import type { Settings } from "../env.ts";
import { ProviderKeys } from "./jwks.ts";

/** The person of a token, and its expiry (milliseconds since the epoch). */
export interface Verified {
  actor: Actor;
  expiresAt: number;
}

const MAX_AVATAR_URL = 2_048;
/** How far a provider's clock may be ahead, for `nbf` and `iat`; `exp` has no leeway. */
const LEEWAY_SECONDS = 60;
/** Longer tokens are refused. */
const MAX_TOKEN_LENGTH = 8 * 1024;
const REMEMBERED_MAX = 1_000;
/** The latest time of a `Date`. */
const LATEST = 8_640_000_000_000_000;

const claims = z.object({
  exp: z.number(),
  iat: z.number().optional(),
  name: z.string().optional().catch(undefined),
  picture: z.string().optional().catch(undefined),
});
const roleClaim = z.union([z.string(), z.array(z.string())]);

/** Claims of a user's id and role; the first that is present counts. A setting replaces them. */
const USER_CLAIMS = ["sub", "nameid"];
const ROLE_CLAIMS = ["role", "roles"];

/**
 * Verifies tokens under one set of settings: signature with a fixed set of algorithms, expiry
 * (required), issuer and audience if set. Verified tokens are cached until they expire, so that a
 * signature is checked once per isolate.
 */
export class TokenVerifier {
  private readonly verify: (
    token: string,
    options: JWTVerifyOptions,
  ) => Promise<JWTPayload | undefined>;
  private readonly options: JWTVerifyOptions;
  private readonly userClaims: readonly string[];
  private readonly roleClaims: readonly string[];
  private readonly remembered = new Map<string, Verified>();

  constructor(settings: Settings) {
    this.options = {
      requiredClaims: ["exp"],
      clockTolerance: LEEWAY_SECONDS,
      ...(settings.JWT_ISSUER && { issuer: settings.JWT_ISSUER }),
      ...(settings.JWT_AUDIENCE && { audience: settings.JWT_AUDIENCE }),
    };
    this.userClaims = settings.JWT_USER_CLAIM ? [settings.JWT_USER_CLAIM] : USER_CLAIMS;
    this.roleClaims = settings.JWT_ROLE_CLAIM ? [settings.JWT_ROLE_CLAIM] : ROLE_CLAIMS;
    if (settings.JWT_JWKS_URL) {
      const keys = new ProviderKeys(settings.JWT_JWKS_URL, () => Date.now());
      this.verify = (token, options) => keys.verify(token, options);
    } else {
      const secrets = (settings.JWT_SECRET ?? []).map((text) => new TextEncoder().encode(text));
      this.verify = (token, options) => verifyWithAny(token, secrets, options);
    }
  }

  /**
   * The bearer, or `undefined` for a token that is not valid now. Rejects with `KeysUnavailable`
   * when it cannot be checked.
   */
  async verified(token: string, now: number): Promise<Verified | undefined> {
    if (token.length > MAX_TOKEN_LENGTH) return undefined;
    const before = this.remembered.get(token);
    if (before) return before.expiresAt > now ? before : undefined;
    const payload = await this.verify(token, { ...this.options, currentDate: new Date(now) });
    const parsed = claims.safeParse(payload);
    if (!parsed.success) return undefined;
    const { exp, iat = 0, name, picture } = parsed.data;
    if (iat * 1_000 > now + LEEWAY_SECONDS * 1_000) return undefined;
    const userId = firstOf(this.userClaims, payload);
    if (typeof userId !== "string" || !isUserId(userId) || isErasedUserId(userId)) {
      return undefined;
    }
    const verified: Verified = {
      actor: {
        userId: normalizedUserId(userId),
        name: nameOf(name),
        avatarUrl: avatarOf(picture),
        role: roleOf(this.roleClaims, payload),
        reach: "member",
      },
      expiresAt: Math.min(exp * 1_000, LATEST),
    };
    // jose applies the leeway to `exp` as well.
    if (verified.expiresAt <= now) return undefined;
    if (this.remembered.size >= REMEMBERED_MAX) this.remembered.clear();
    this.remembered.set(token, verified);
    return verified;
  }
}

async function verifyWithAny(
  token: string,
  secrets: readonly Uint8Array[],
  options: JWTVerifyOptions,
): Promise<JWTPayload | undefined> {
  for (const secret of secrets) {
    try {
      return (await jwtVerify(token, secret, { ...options, algorithms: ["HS256"] })).payload;
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
    }
  }
  return undefined;
}

function firstOf(names: readonly string[], payload: JWTPayload | undefined): unknown {
  return names.map((name) => claimAt(payload, name)).find((value) => value !== undefined);
}

/** The strongest known role of a claim, which is a text or a list of texts. */
function roleOf(names: readonly string[], payload: JWTPayload | undefined): PlatformRole {
  const claim = names
    .map((name) => roleClaim.safeParse(claimAt(payload, name)).data)
    .find((given) => given !== undefined);
  const roles = new Set(typeof claim === "string" ? [claim] : claim);
  return PLATFORM_ROLES.find((role) => roles.has(role)) ?? "user";
}

/** Pages show the picture: only http and https URLs are accepted. */
function avatarOf(claim: string | undefined): string | null {
  if (!claim || claim.length > MAX_AVATAR_URL || !URL.canParse(claim)) return null;
  return /^https?:$/.test(new URL(claim).protocol) ? claim : null;
}

/**
 * A name with control characters is ignored; spoofing characters are removed, because names are
 * often copied.
 */
function nameOf(claim: string | undefined): string | null {
  const name = [...(claim ?? "")]
    .filter((one) => !hasSpoofingCharacters(one))
    .join("")
    .trim();
  if (!name || hasControlCharacters(name) || !name.isWellFormed()) return null;
  return [...name].slice(0, MAX_NAME_LENGTH).join("");
}
