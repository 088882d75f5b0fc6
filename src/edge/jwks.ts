import {
  createLocalJWKSet,
  decodeProtectedHeader,
  errors,
  type JWTHeaderParameters,
  type JWTPayload,
  type JWTVerifyOptions,
  jwtVerify,
} from "jose";
import { z } from "zod";

/** The public keys of an identity provider, as it lists them at an address (RFC 7517). */

/** Accepted signature algorithms: asymmetric ones only. */
const ALGORITHMS = [
  ...["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"],
  ...["ES256", "ES384", "ES512", "EdDSA", "Ed25519"],
];
/** How long fetched keys are used. */
const KEPT_MS = 10 * 60_000;
/** The shortest interval between fetches for an unknown key. */
const REFETCHED_MS = 30_000;
/** How long no fetch is made after a failed one. */
const FAILURE_KEPT_MS = 30_000;
const FETCH_TIMEOUT_MS = 5_000;

const listed = z.object({ keys: z.array(z.unknown()) });
/** A listed key; other entries are ignored. */
const listedKey = z.looseObject({ kty: z.string() });

interface Key {
  kid: string | undefined;
  /** The key for an algorithm; rejects if it does not fit. */
  keyFor: ReturnType<typeof createLocalJWKSet>;
}

/** The provider's keys could not be fetched, so that a token cannot be checked. */
export class KeysUnavailable extends Error {
  /** Milliseconds until the next fetch. */
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number, options?: ErrorOptions) {
    super("the identity provider's keys are out of reach", options);
    this.retryAfterMs = retryAfterMs;
  }
}

export class ProviderKeys {
  private keys: readonly Key[] = [];
  private fetchedAt: number | undefined;
  private failedAt: number | undefined;
  private readonly url: string;
  private readonly clock: () => number;

  constructor(url: string, clock: () => number) {
    this.url = url;
    this.clock = clock;
  }

  /**
   * The claims of a token that one of the keys verifies and `options` accept; otherwise
   * `undefined`. Rejects with {@link KeysUnavailable} when that depends on keys that cannot be
   * fetched.
   */
  async verify(token: string, options: JWTVerifyOptions): Promise<JWTPayload | undefined> {
    const header = headerOf(token);
    if (!header || !ALGORITHMS.includes(header.alg)) return undefined;
    if (!this.within(this.fetchedAt, KEPT_MS)) await this.fetch();
    const found = await this.tried(token, header, options);
    if (found !== "no key" || this.within(this.fetchedAt, REFETCHED_MS)) return claimsOf(found);
    await this.fetch();
    return claimsOf(await this.tried(token, header, options));
  }

  /** `no key`: no known key verifies it; a newly added one might. */
  private async tried(
    token: string,
    header: JWTHeaderParameters,
    options: JWTVerifyOptions,
  ): Promise<JWTPayload | "refused" | "no key"> {
    const { alg, kid } = header;
    let named = false;
    for (const key of this.keys) {
      if (kid !== undefined && key.kid !== undefined && key.kid !== kid) continue;
      // Keys of another algorithm and unreadable ones are skipped.
      const publicKey = await key.keyFor({ alg }).catch(() => undefined);
      if (!publicKey) continue;
      try {
        return (await jwtVerify(token, publicKey, { ...options, algorithms: ALGORITHMS })).payload;
      } catch (error) {
        if (error instanceof errors.JWSSignatureVerificationFailed) {
          named ||= kid !== undefined && key.kid === kid;
        } else if (error instanceof errors.JOSEError) {
          return "refused";
        }
      }
    }
    return named ? "refused" : "no key";
  }

  /** Fetches the keys, unless a fetch has failed recently. */
  private async fetch(): Promise<void> {
    const now = this.clock();
    if (this.failedAt !== undefined) {
      if (this.within(this.failedAt, FAILURE_KEPT_MS)) {
        throw new KeysUnavailable(this.failedAt + FAILURE_KEPT_MS - now);
      }
      // This request retries; concurrent ones are refused until it has finished.
      this.failedAt = now;
    }
    try {
      this.keys = await fetchedKeys(this.url);
      this.fetchedAt = this.clock();
      this.failedAt = undefined;
    } catch (cause) {
      this.failedAt = this.clock();
      throw new KeysUnavailable(FAILURE_KEPT_MS, { cause });
    }
  }

  /** Whether a moment is at most `ms` ago. A future one is not: the clock was wrong. */
  private within(moment: number | undefined, ms: number): boolean {
    const age = this.clock() - (moment ?? Number.NEGATIVE_INFINITY);
    return age >= 0 && age < ms;
  }
}

async function fetchedKeys(url: string): Promise<Key[]> {
  const response = await fetch(url, {
    headers: { Accept: "application/json, application/jwk-set+json" },
    // Redirects are not followed: only the configured address is trusted.
    redirect: "manual",
    signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`JWT_JWKS_URL answered ${response.status}`);
  }
  return listed.parse(await response.json()).keys.flatMap((given) => {
    const parsed = listedKey.safeParse(given);
    return parsed.success ? [keyOf(parsed.data)] : [];
  });
}

function keyOf({ kid, alg, ...jwk }: z.infer<typeof listedKey>): Key {
  // Two names of one algorithm (RFC 9864): a token may use one and its key the other.
  const either = jwk["crv"] === "Ed25519" && (alg === "EdDSA" || alg === "Ed25519");
  const fits = typeof alg !== "string" || either ? {} : { alg };
  return {
    kid: typeof kid === "string" ? kid : undefined,
    keyFor: createLocalJWKSet({ keys: [{ ...jwk, ...fits }] }),
  };
}

function headerOf(token: string): JWTHeaderParameters | undefined {
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    if (alg === undefined || (kid !== undefined && typeof kid !== "string")) return undefined;
    return { alg, ...(kid !== undefined && { kid }) };
  } catch {
    return undefined;
  }
}

function claimsOf(found: JWTPayload | "refused" | "no key"): JWTPayload | undefined {
  return typeof found === "string" ? undefined : found;
}
