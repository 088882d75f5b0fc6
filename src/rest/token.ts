import {
  createRemoteJWKSet,
  errors,
  type JWTPayload,
  type JWTVerifyOptions,
  jwtVerify,
} from "jose";
import { z } from "zod";
import { hasControlCharacters } from "../domain/message.ts";
import { isUserId, MAX_NAME_LENGTH } from "../domain/person.ts";
import { type Actor, PLATFORM_ROLES, type PlatformRole } from "../domain/policy.ts";
import type { Settings } from "../env.ts";

/** Who a token says somebody is, and until when (milliseconds since the epoch). */
export interface Verified {
  actor: Actor;
  expiresAt: number;
}

/** Algorithms of an identity provider's keys; a shared secret is used with HS256 only. */
const ASYMMETRIC = ["RS256", "PS256", "ES256", "ES384", "EdDSA"];
const MAX_AVATAR_URL = 2_048;
/** What jose says when it got no keys from the provider: nothing is known of the token then. */
const KEYS_OUT_OF_REACH = new Set(["ERR_JWKS_TIMEOUT", "ERR_JOSE_GENERIC", "ERR_JWKS_INVALID"]);
/** Longer ones are no tokens of ours. */
const MAX_TOKEN_LENGTH = 8 * 1024;
const REMEMBERED_MAX = 1_000;
/** The last moment that a `Date` can tell. */
const LATEST = 8_640_000_000_000_000;

const claims = z.object({
  exp: z.number(),
  sub: z.string().optional(),
  nameid: z.string().optional(),
  name: z.string().optional().catch(undefined),
  picture: z.string().optional().catch(undefined),
  role: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .catch(undefined),
  roles: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .catch(undefined),
});

/**
 * Verifies tokens under one set of settings: signature with a pinned algorithm, expiry (required),
 * issuer and audience where they are set. A verified token is remembered until it expires, so that a
 * signature is checked once an isolate.
 */
export class TokenVerifier {
  private readonly verify: (token: string) => Promise<JWTPayload>;
  private readonly remembered = new Map<string, Verified>();

  constructor(settings: Settings) {
    const options: JWTVerifyOptions = {
      requiredClaims: ["exp"],
      ...(settings.JWT_ISSUER && { issuer: settings.JWT_ISSUER }),
      ...(settings.JWT_AUDIENCE && { audience: settings.JWT_AUDIENCE }),
    };
    if (settings.JWT_JWKS_URL) {
      const keys = createRemoteJWKSet(new URL(settings.JWT_JWKS_URL));
      this.verify = async (token) =>
        (await jwtVerify(token, keys, { ...options, algorithms: ASYMMETRIC })).payload;
    } else {
      const secrets = (settings.JWT_SECRET ?? []).map((text) => new TextEncoder().encode(text));
      this.verify = (token) => verifyWithAny(token, secrets, { ...options, algorithms: ["HS256"] });
    }
  }

  /** Who the bearer is, or `undefined` for any token that is not valid now. */
  async verified(token: string, now: number): Promise<Verified | undefined> {
    if (token.length > MAX_TOKEN_LENGTH) return undefined;
    const before = this.remembered.get(token);
    if (before) return before.expiresAt > now ? before : undefined;
    const payload = await this.verify(token).catch((error: unknown) => {
      if (error instanceof errors.JOSEError && !KEYS_OUT_OF_REACH.has(error.code)) return undefined;
      throw error;
    });
    const parsed = claims.safeParse(payload);
    if (!parsed.success) return undefined;
    const userId = parsed.data.sub ?? parsed.data.nameid;
    if (userId === undefined || !isUserId(userId)) return undefined;
    const verified: Verified = {
      actor: {
        userId,
        name: nameOf(parsed.data.name),
        avatarUrl: avatarOf(parsed.data.picture),
        role: roleOf(parsed.data.role ?? parsed.data.roles),
        reach: "member",
      },
      expiresAt: Math.min(parsed.data.exp * 1_000, LATEST),
    };
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
): Promise<JWTPayload> {
  let failure: unknown = new Error("no secret is set");
  for (const secret of secrets) {
    try {
      return (await jwtVerify(token, secret, options)).payload;
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** The strongest of the roles that mean something here. */
function roleOf(claim: string | string[] | undefined): PlatformRole {
  const roles = new Set(typeof claim === "string" ? [claim] : claim);
  return PLATFORM_ROLES.find((role) => roles.has(role)) ?? "user";
}

/** A picture is shown by pages: only an address of the web can be one. */
function avatarOf(claim: string | undefined): string | null {
  if (!claim || claim.length > MAX_AVATAR_URL || !URL.canParse(claim)) return null;
  return /^https?:$/.test(new URL(claim).protocol) ? claim : null;
}

function nameOf(claim: string | undefined): string | null {
  const name = claim?.trim();
  if (!name || hasControlCharacters(name) || !name.isWellFormed()) return null;
  return [...name].slice(0, MAX_NAME_LENGTH).join("");
}
