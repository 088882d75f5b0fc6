import { Buffer } from "node:buffer";
import { SignJWT } from "jose";
import type { Settings } from "../../env.ts";

/** How this server identifies itself to push services (VAPID, RFC 8292). */

/** How long a signed token is used. */
const USED_MS = 60 * 60_000;
/** How long a token is valid from its signature on: clocks differ, and services accept up to 24 hours. */
const VALID_MS = 12 * 60 * 60_000;
/** Origins whose tokens are kept. The public services have few. */
const MAX_ORIGINS = 100;

/** What precedes the 32 bytes of a P-256 private key in PKCS #8 (RFC 5208, RFC 5915). */
const PKCS8_PREFIX = "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420";
const P256 = { name: "ECDSA", namedCurve: "P-256" };

interface Keys {
  privateKey: CryptoKey;
  /** The uncompressed point as base64url. */
  publicKey: string;
}

/** A key pair, with the tokens that it has signed. Shared by all objects of an isolate. */
export class Vapid {
  private readonly secret: string;
  private readonly subject: string;
  private keys: Keys | undefined;
  private readonly tokens = new Map<string, { token: string; signedAt: number }>();

  /** `secret`: the 32 bytes of the private key as base64url; `subject`: whom push services may ask. */
  constructor(secret: string, subject: string) {
    this.secret = secret;
    this.subject = subject;
  }

  /** What browsers subscribe with. */
  async publicKey(): Promise<string> {
    return (await this.pair()).publicKey;
  }

  /** The `Authorization` for an origin of a push service: signed once in an hour. */
  async authorization(origin: string, now: number): Promise<string> {
    const { privateKey, publicKey } = await this.pair();
    const known = this.tokens.get(origin);
    // A signature of the future is one of a clock that was wrong.
    if (known && known.signedAt <= now && now < known.signedAt + USED_MS) {
      return headerOf(known.token, publicKey);
    }
    const token = await new SignJWT()
      .setProtectedHeader({ typ: "JWT", alg: "ES256" })
      .setAudience(origin)
      .setSubject(this.subject)
      .setExpirationTime(Math.floor((now + VALID_MS) / 1_000))
      .sign(privateKey);
    this.tokens.delete(origin);
    this.tokens.set(origin, { token, signedAt: now });
    for (const oldest of this.tokens.keys()) {
      if (this.tokens.size <= MAX_ORIGINS) break;
      this.tokens.delete(oldest);
    }
    return headerOf(token, publicKey);
  }

  /** Only the result is kept: an object cannot await what another one has begun. */
  private async pair(): Promise<Keys> {
    this.keys ??= await keysOf(this.secret);
    return this.keys;
  }
}

const shared = new WeakMap<Settings, Vapid>();

/** The key pair of the settings; `undefined`: there is none, and nothing is pushed. */
export function vapidOf(settings: Settings): Vapid | undefined {
  const { VAPID_PRIVATE_KEY, VAPID_SUBJECT } = settings;
  if (VAPID_PRIVATE_KEY === undefined || VAPID_SUBJECT === undefined) return undefined;
  const known = shared.get(settings);
  if (known) return known;
  const vapid = new Vapid(VAPID_PRIVATE_KEY, VAPID_SUBJECT);
  shared.set(settings, vapid);
  return vapid;
}

async function keysOf(secret: string): Promise<Keys> {
  const pkcs8 = Buffer.concat([Buffer.from(PKCS8_PREFIX, "hex"), Buffer.from(secret, "base64url")]);
  // Extractable: the public key is computed by the import, and is in the export only.
  const privateKey = await crypto.subtle.importKey("pkcs8", pkcs8, P256, true, ["sign"]);
  const jwk = await crypto.subtle.exportKey("jwk", privateKey);
  if (jwk instanceof ArrayBuffer) throw new Error("a JWK is no buffer");
  const { x = "", y = "" } = jwk;
  const point = [Buffer.from([4]), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")];
  return { privateKey, publicKey: Buffer.concat(point).toString("base64url") };
}

function headerOf(token: string, publicKey: string): string {
  return `vapid t=${token}, k=${publicKey}`;
}
