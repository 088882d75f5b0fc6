import { Buffer } from "node:buffer";
import { z } from "zod";

/**
 * The bindings of wrangler.toml; settings and secrets are in it as text. The objects' methods are
 * typed by the interfaces in `conversation/api.ts`, through `conversation/stub.ts`.
 */
export interface Env {
  CONVERSATIONS: DurableObjectNamespace;
  SOCKETIO: DurableObjectNamespace;
  SIGNALR: DurableObjectNamespace;
  INBOXES: DurableObjectNamespace;
  JOBS: DurableObjectNamespace;
  DB: D1Database;
  FILES: R2Bucket;
  LIMIT_UPLOADS: RateLimit;
  LIMIT_MESSAGES: RateLimit;
  LIMIT_READS: RateLimit;
  LIMIT_CONNECTIONS: RateLimit;
  LIMIT_ADDRESSES: RateLimit;
  LIMIT_UPGRADES: RateLimit;
  LIMIT_CHANGES: RateLimit;
  LIMIT_SEARCHES: RateLimit;
  /** Where there are metrics (`metrics.ts`). */
  METRICS?: AnalyticsEngineDataset;
}

/** The prefix of the committed development secrets. */
const DEVELOPMENT_SECRET = "development-only-";

const secret = z.string().min(32, "at least 32 characters");
/** Secrets separated by commas: the first signs, all verify, so that a secret can be rotated. */
const secrets = z
  .string()
  .transform((text) => text.split(",").map((part) => part.trim()))
  .pipe(z.array(secret).min(1));
const optional = z
  .string()
  .optional()
  .transform((text) => text?.trim() || undefined);
/** Only the origin of the address is used: links are appended to it. */
const origin = z
  .url({ protocol: /^https?$/, abort: true })
  .refine((url) => !/[?#]/.test(url) && new URL(url).pathname === "/", "no path behind the host")
  .transform((url) => new URL(url).origin);
/** A secret of the Standard Webhooks specification: `whsec_` and 24 to 64 bytes in base64. */
const webhookSecret = z
  .string()
  .regex(/^whsec_(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/, {
    error: "whsec_ and base64: echo whsec_$(openssl rand -base64 32)",
    abort: true,
  })
  .refine((text) => {
    const { length } = atob(text.slice("whsec_".length));
    return length >= 24 && length <= 64;
  }, "24 to 64 bytes in base64 behind whsec_");
/** Separated by commas while they are rotated: each signs. */
const webhookSecrets = optional
  .transform((text) => text?.split(",").map((part) => part.trim()))
  .pipe(z.array(webhookSecret).max(3, "at most three secrets").optional());
const webhookUrl = z.url({ protocol: /^https?$/, abort: true }).refine((url) => {
  const { username, password } = new URL(url);
  return username === "" && password === "";
}, "no user and password: requests are signed with NOTIFY_SECRET or MODERATION_SECRET");
const positive = (fallback: number) => z.coerce.number().int().positive().default(fallback);
const onOff = z
  .enum(["on", "off"])
  .default("on")
  .transform((value) => value === "on");

/** The order of P-256: a private key is a number from 1 to below it. */
const P256_ORDER = BigInt("0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");

function isP256PrivateKey(text: string): boolean {
  const bytes = Buffer.from(text, "base64url");
  if (bytes.length !== 32 || bytes.toString("base64url") !== text) return false;
  const number = BigInt(`0x${bytes.toString("hex")}`);
  return number > 0n && number < P256_ORDER;
}

const vapidKey = z
  .string()
  .refine(isP256PrivateKey, "not a P-256 private key of 43 characters: npm run vapid prints one");
const vapidSubject = z
  .string()
  .regex(/^(mailto:[^@\s]+@[^@\s]+|https:\/\/[^/\s]+.*)$/, "a mailto: or https: address");

/** The push services of Chrome, Edge, Firefox, Safari and the browsers made from them. */
const PUSH_SERVICES =
  "fcm.googleapis.com,jmt17.google.com,*.push.services.mozilla.com,*.push.apple.com,*.notify.windows.com";
/** A name, `*.` and a name, or a loopback host with `http://`: that in development only. */
const PUSH_HOST =
  /^((\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)+(:\d{1,5})?|http:\/\/(localhost|127\.0\.0\.1))$/;

/** A kind of conversation and its days of retention, 1 to 36500. */
const RETENTION =
  /^(direct|group|channel|support|purchase-request)=([1-9]\d{0,3}|[12]\d{4}|3[0-5]\d{3}|36[0-4]\d{2}|36500)$/;
type RetainedKind = "direct" | "group" | "channel" | "support" | "purchase-request";

const schema = z
  .object({
    ENVIRONMENT: z.enum(["development", "production"]).default("production"),
    JWT_SECRET: secrets.optional(),
    JWT_JWKS_URL: optional.pipe(z.url().optional()),
    JWT_ISSUER: optional,
    JWT_AUDIENCE: optional,
    JWT_USER_CLAIM: optional,
    JWT_ROLE_CLAIM: optional,
    ID_SECRET: secret,
    FILES_SECRET: secrets,
    MESSAGES_PER_MINUTE_MARKETPLACE: positive(20),
    MESSAGES_PER_MINUTE_UNIHUB: positive(100),
    EDIT_WINDOW_MINUTES: z.coerce.number().positive().default(15),
    MAX_LENGTH_MARKETPLACE: positive(5_000),
    MAX_LENGTH_UNIHUB: positive(2_000),
    SENDS_WAIT_FOR_LISTS: onOff,
    REQUEST_LIMITS: onOff,
    CONVERSATIONS_PER_HOUR: positive(60),
    CHANNELS_PER_HOUR: positive(10),
    SUPPORT_CHATS_PER_HOUR: positive(5),
    ADDITIONS_PER_HOUR: positive(300),
    UPLOAD_MEGABYTES_PER_HOUR: positive(2_048),
    CHANGES_PER_MINUTE: positive(60),
    READS_PER_MINUTE: positive(200),
    PRESENCE_DELAY_MS: z.coerce.number().int().min(0).default(2_000),
    PURCHASE_REQUESTS: z.enum(["open", "registered"]).default("open"),
    JURISDICTION: optional.pipe(z.enum(["eu", "us", "fedramp"]).optional()),
    USER_DIRECTORY: z.enum(["known", "open"]).default("known"),
    CONTACTS: z.enum(["open", "requests"]).default("open"),
    USER_SEARCH: z.enum(["everyone", "contacts", "off"]).default("everyone"),
    RETENTION_DAYS: z
      .string()
      .default("")
      .transform((text) => text.split(",").map((part) => part.trim()))
      .transform((parts) => parts.filter(Boolean))
      .refine(
        (parts) =>
          parts.every((part) => RETENTION.test(part)) &&
          new Set(parts.map((part) => part.split("=")[0])).size === parts.length,
        "days (1 to 36500) by kind, such as channel=365,support=90",
      )
      .transform(
        (parts): Partial<Record<RetainedKind, number>> =>
          Object.fromEntries(parts.map((part) => part.split("=")).map(([k, n]) => [k, Number(n)])),
      ),
    PUBLIC_URL: optional.pipe(origin.optional()),
    NOTIFY_URL: optional.pipe(webhookUrl.optional()),
    NOTIFY_SECRET: webhookSecrets,
    MODERATION_URL: optional.pipe(webhookUrl.optional()),
    MODERATION_SECRET: webhookSecrets,
    // Callers of a conversation wait five seconds for its answer.
    MODERATION_TIMEOUT_MS: z.coerce.number().int().min(100).max(4_000).default(1_500),
    MODERATION_FAILS: z.enum(["open", "closed"]).default("open"),
    VAPID_PRIVATE_KEY: optional.pipe(vapidKey.optional()),
    VAPID_SUBJECT: optional.pipe(vapidSubject.optional()),
    PUSH_HOSTS: optional
      .transform((text) => (text ?? PUSH_SERVICES).split(",").map((part) => part.trim()))
      .transform((hosts) => hosts.map((host) => host.toLowerCase()).filter(Boolean))
      .pipe(
        z.array(z.string().regex(PUSH_HOST, "host names, such as push.example or *.push.example")),
      ),
    ALLOWED_ORIGINS: z
      .string()
      .default("")
      .transform((text) =>
        text
          .split(",")
          // A trailing slash is removed: browsers send origins without it. Other schemes, such as
          // `file://`, are compared as given.
          .map((part) => part.trim().replace(/^(https?:\/\/[^/]+)\/$/i, "$1"))
          .filter(Boolean),
      ),
  })
  .check((context) => {
    const { ENVIRONMENT, JWT_SECRET, JWT_JWKS_URL, ID_SECRET, FILES_SECRET, PUBLIC_URL } =
      context.value;
    const refuse = (message: string) =>
      context.issues.push({ code: "custom", message, input: undefined });
    if (!JWT_SECRET === !JWT_JWKS_URL) refuse("set JWT_SECRET or JWT_JWKS_URL, not both");
    const all = [...(JWT_SECRET ?? []), ID_SECRET, ...FILES_SECRET];
    if (
      ENVIRONMENT !== "development" &&
      all.some((value) => value.startsWith(DEVELOPMENT_SECRET))
    ) {
      refuse("development secrets are in use, but ENVIRONMENT is not development");
    }
    const { NOTIFY_URL, NOTIFY_SECRET } = context.value;
    if (!NOTIFY_URL !== !NOTIFY_SECRET) refuse("set both NOTIFY_URL and NOTIFY_SECRET, or neither");
    // What people write, and to whom.
    if (ENVIRONMENT !== "development" && NOTIFY_URL?.startsWith("http:")) {
      refuse("NOTIFY_URL begins with https: only development may send notifications in the clear");
    }
    const { MODERATION_URL, MODERATION_SECRET } = context.value;
    if (!MODERATION_URL !== !MODERATION_SECRET) {
      refuse("set both MODERATION_URL and MODERATION_SECRET, or neither");
    }
    if (ENVIRONMENT !== "development" && MODERATION_URL?.startsWith("http:")) {
      refuse("MODERATION_URL begins with https: only development may send texts in the clear");
    }
    // Otherwise links would begin with the Host header of a request.
    if (ENVIRONMENT !== "development" && !PUBLIC_URL) {
      refuse("set PUBLIC_URL: only in development links begin with the address of each request");
    }
    const { VAPID_PRIVATE_KEY, VAPID_SUBJECT, PUSH_HOSTS } = context.value;
    if (ENVIRONMENT !== "development" && PUSH_HOSTS.some((host) => host.startsWith("http:"))) {
      refuse("PUSH_HOSTS: http:// hosts are for development only");
    }
    if (VAPID_PRIVATE_KEY && !VAPID_SUBJECT && !PUBLIC_URL?.startsWith("https:")) {
      refuse("set VAPID_SUBJECT: there is a VAPID_PRIVATE_KEY, and PUBLIC_URL is not https");
    }
  })
  .transform((settings) => ({
    ...settings,
    // Push services accept an address of either kind.
    VAPID_SUBJECT: settings.VAPID_SUBJECT ?? settings.PUBLIC_URL,
  }));

export type Settings = z.infer<typeof schema>;

const parsed = new WeakMap<object, Settings | Error>();

/**
 * The settings, parsed once per environment. An `Error` describes what is wrong with them; then
 * every request is refused.
 */
export function settingsOf(env: Env): Settings | Error {
  const known = parsed.get(env);
  if (known) return known;
  const result = schema.safeParse(env);
  const settings = result.success ? result.data : new Error(z.prettifyError(result.error));
  parsed.set(env, settings);
  return settings;
}
