import { describe, expect, test } from "vitest";
import { settingsOf } from "../../src/env.ts";
import { ORIGIN, person } from "../support.ts";
import { CONVERSATIONS, envWith, fetchWith, raw, UUID } from "./requests.ts";

const OTHER_SECRET = "another-secret-0123456789abcdefghijkl";
const WEBHOOK_SECRET = `whsec_${btoa("0123456789012345678901234567")}`;
const MODERATION = { MODERATION_URL: "http://a.test", MODERATION_SECRET: WEBHOOK_SECRET };
const DEVELOPMENT = "development-only-secret-0123456789abcdef";

/** The settings of a changed environment, or their errors. */
function settingsWith(changes: Record<string, unknown>) {
  return settingsOf(envWith(changes));
}

describe("settings that are rejected", () => {
  test.each([
    ["no JWT_SECRET", { JWT_SECRET: undefined }],
    ["an empty JWT_SECRET", { JWT_SECRET: "" }],
    ["a short JWT_SECRET", { JWT_SECRET: "x".repeat(31) }],
    ["an empty second JWT_SECRET", { JWT_SECRET: `${OTHER_SECRET},` }],
    ["a short second JWT_SECRET", { JWT_SECRET: `${OTHER_SECRET},short` }],
    ["JWT_SECRET and JWT_JWKS_URL", { JWT_JWKS_URL: "https://login.test/keys" }],
    ["an invalid JWT_JWKS_URL", { JWT_SECRET: undefined, JWT_JWKS_URL: "login" }],
    ["no ID_SECRET", { ID_SECRET: undefined }],
    ["a short ID_SECRET", { ID_SECRET: "short" }],
    ["no FILES_SECRET", { FILES_SECRET: undefined }],
    ["an empty FILES_SECRET", { FILES_SECRET: "" }],
    ["an unknown ENVIRONMENT", { ENVIRONMENT: "staging" }],
    ["an unknown USER_DIRECTORY", { USER_DIRECTORY: "closed" }],
    ["an unknown USER_SEARCH", { USER_SEARCH: "friends" }],
    ["a switch that is neither on nor off", { REQUEST_LIMITS: "true" }],
    ["a limit of 0", { MESSAGES_PER_MINUTE_UNIHUB: "0" }],
    ["a limit that is not a number", { MESSAGES_PER_MINUTE_UNIHUB: "many" }],
    ["a fractional message limit", { MESSAGES_PER_MINUTE_MARKETPLACE: "0.5" }],
    ["a conversation limit of 0", { CONVERSATIONS_PER_HOUR: "0" }],
    ["a fractional addition limit", { ADDITIONS_PER_HOUR: "0.5" }],
    ["a negative presence delay", { PRESENCE_DELAY_MS: "-1" }],
    ["a negative edit window", { EDIT_WINDOW_MINUTES: "-1" }],
    ["a text length of 0", { MAX_LENGTH_UNIHUB: "0" }],
    ["a fractional text length", { MAX_LENGTH_MARKETPLACE: "0.5" }],
    ["an unknown jurisdiction", { JURISDICTION: "mars" }],
    ["an invalid PUBLIC_URL", { PUBLIC_URL: "chat" }],
    ["a PUBLIC_URL that is not HTTP", { PUBLIC_URL: "ftp://chat.test" }],
    ["a PUBLIC_URL with a path", { PUBLIC_URL: "https://a.test/chat" }],
    ["a NOTIFY_URL without a NOTIFY_SECRET", { NOTIFY_URL: "https://a.test" }],
    ["a NOTIFY_SECRET without a NOTIFY_URL", { NOTIFY_SECRET: WEBHOOK_SECRET }],
    ["a NOTIFY_URL that is none", { NOTIFY_URL: "app", NOTIFY_SECRET: WEBHOOK_SECRET }],
    ["one that is not HTTP", { NOTIFY_URL: "ftp://a.test", NOTIFY_SECRET: WEBHOOK_SECRET }],
    ["one with a password", { NOTIFY_URL: "https://a:b@c.test", NOTIFY_SECRET: WEBHOOK_SECRET }],
    ...[
      ["another form", "0123456789012345678901234567890123456789"],
      ["16 bytes", `whsec_${btoa("0123456789012345")}`],
      ["65 bytes", `whsec_${btoa("x".repeat(65))}`],
      ["broken base64", `${WEBHOOK_SECRET}=`],
      ["a trailing comma", `${WEBHOOK_SECRET},`],
      ["four secrets", Array(4).fill(WEBHOOK_SECRET).join(",")],
    ].map(([what, NOTIFY_SECRET]): [string, Record<string, unknown>] => [
      `a NOTIFY_SECRET of ${what}`,
      { NOTIFY_URL: "https://a.test", NOTIFY_SECRET },
    ]),
    ["a MODERATION_URL without a secret", { MODERATION_URL: "https://a.test" }],
    ["a MODERATION_SECRET without an address", { MODERATION_SECRET: WEBHOOK_SECRET }],
    [
      "an unencrypted one",
      { ...MODERATION, ENVIRONMENT: "production", PUBLIC_URL: "https://a.test" },
    ],
    ["a MODERATION_SECRET of another form", { ...MODERATION, MODERATION_SECRET: "x".repeat(40) }],
    ["a MODERATION_TIMEOUT_MS of 99", { MODERATION_TIMEOUT_MS: "99" }],
    ["a MODERATION_TIMEOUT_MS over that of calls", { MODERATION_TIMEOUT_MS: "4001" }],
    ["a CONTACTS that is neither", { CONTACTS: "closed" }],
    ["a MODERATION_FAILS that is neither", { MODERATION_FAILS: "on" }],
    ["a short VAPID_PRIVATE_KEY", { VAPID_PRIVATE_KEY: "x".repeat(42) }],
    ["a public key as VAPID_PRIVATE_KEY", { VAPID_PRIVATE_KEY: `B${"A".repeat(86)}` }],
    ["a VAPID_PRIVATE_KEY of zero", { VAPID_PRIVATE_KEY: "A".repeat(43) }],
    ["a VAPID_PRIVATE_KEY beyond the curve", { VAPID_PRIVATE_KEY: `${"_".repeat(42)}8` }],
    ["a VAPID_PRIVATE_KEY with a wrong end", { VAPID_PRIVATE_KEY: `${"A".repeat(42)}B` }],
    ["a VAPID_PRIVATE_KEY in PEM", { VAPID_PRIVATE_KEY: "-----BEGIN PRIVATE KEY-----" }],
    ["a VAPID_SUBJECT that is no address", { VAPID_SUBJECT: "operator" }],
    ["a VAPID_SUBJECT of plain http", { VAPID_SUBJECT: "http://chat.test" }],
    ["a push host with a scheme", { PUSH_HOSTS: "https://push.test" }],
    ["a push host with a path", { PUSH_HOSTS: "push.test/x" }],
    ["any push host", { PUSH_HOSTS: "*" }],
    ["a push host of a single label", { PUSH_HOSTS: "push" }],
    ["a push host of plain http", { PUSH_HOSTS: "http://push.test" }],
  ])("%s", (_, changes) => {
    expect(settingsWith(changes)).toBeInstanceOf(Error);
  });

  test.each([
    ["JWT_SECRET", { JWT_SECRET: DEVELOPMENT }],
    ["a second JWT_SECRET", { JWT_SECRET: `${OTHER_SECRET}, ${DEVELOPMENT}` }],
    ["ID_SECRET", { ID_SECRET: DEVELOPMENT }],
    ["FILES_SECRET", { FILES_SECRET: DEVELOPMENT }],
    [
      "ID_SECRET beside JWT_JWKS_URL",
      { JWT_SECRET: undefined, JWT_JWKS_URL: "https://login.test/keys", ID_SECRET: DEVELOPMENT },
    ],
  ])("a development secret outside development: %s", (_, changes) => {
    expect(settingsWith({ ...changes, ENVIRONMENT: "development" })).not.toBeInstanceOf(Error);
    for (const ENVIRONMENT of ["production", undefined]) {
      expect(settingsWith({ ...changes, ENVIRONMENT })).toBeInstanceOf(Error);
    }
  });

  test("a missing PUBLIC_URL outside development", () => {
    for (const PUBLIC_URL of [undefined, "", " "]) {
      expect(settingsWith({ PUBLIC_URL, ENVIRONMENT: "development" })).not.toBeInstanceOf(Error);
      for (const ENVIRONMENT of ["production", undefined]) {
        const wrong = settingsWith({ PUBLIC_URL, ENVIRONMENT });
        expect(String(wrong)).toContain("PUBLIC_URL");
        const right = settingsWith({ PUBLIC_URL: "https://chat.test", ENVIRONMENT });
        expect(right).not.toBeInstanceOf(Error);
      }
    }
  });

  test("push services on loopback outside development", () => {
    for (const host of ["http://127.0.0.1", "http://localhost"]) {
      const PUSH_HOSTS = `fcm.googleapis.com, ${host}`;
      const settings = { PUSH_HOSTS, PUBLIC_URL: "https://chat.test" };
      expect(settingsWith({ ...settings, ENVIRONMENT: "development" })).toMatchObject({
        PUSH_HOSTS: ["fcm.googleapis.com", host],
      });
      const wrong = settingsWith({ ...settings, ENVIRONMENT: "production" });
      expect(String(wrong)).toContain("PUSH_HOSTS");
    }
  });

  test("a VAPID_PRIVATE_KEY without an address of the operator", () => {
    for (const PUBLIC_URL of [undefined, "http://chat.test"]) {
      const wrong = settingsWith({ PUBLIC_URL, VAPID_SUBJECT: "" });
      expect(String(wrong)).toContain("VAPID_SUBJECT");
      expect(
        settingsWith({ PUBLIC_URL, VAPID_PRIVATE_KEY: "", VAPID_SUBJECT: "" }),
      ).not.toBeInstanceOf(Error);
    }
    const PUBLIC_URL = "https://chat.test";
    expect(settingsWith({ PUBLIC_URL, VAPID_SUBJECT: "" })).toMatchObject({
      VAPID_SUBJECT: PUBLIC_URL,
    });
    expect(settingsWith({ PUBLIC_URL, VAPID_SUBJECT: "mailto:a@b.test" })).toMatchObject({
      VAPID_SUBJECT: "mailto:a@b.test",
    });
  });

  test("an unencrypted NOTIFY_URL outside development", () => {
    const changes = { NOTIFY_URL: "http://a.test", NOTIFY_SECRET: WEBHOOK_SECRET };
    expect(settingsWith(changes)).not.toBeInstanceOf(Error);
    const production = { ENVIRONMENT: "production", PUBLIC_URL: "https://chat.test" };
    expect(String(settingsWith({ ...changes, ...production }))).toContain("NOTIFY_URL");
    const encrypted = { ...changes, ...production, NOTIFY_URL: "https://a.test/hook?a=b" };
    expect(settingsWith(encrypted)).not.toBeInstanceOf(Error);
  });

  test("error messages do not contain secrets", () => {
    const wrong = settingsWith({
      ...{ ID_SECRET: "hunter2", JWT_SECRET: `${DEVELOPMENT},swordfish` },
      ...{ VAPID_PRIVATE_KEY: "tr0ub4dor", NOTIFY_SECRET: "correct horse" },
    });
    expect(String(wrong)).toContain("ID_SECRET");
    expect(String(wrong)).toContain("VAPID_PRIVATE_KEY");
    expect(String(wrong)).toContain("NOTIFY_SECRET");
    expect(String(wrong)).not.toMatch(/hunter2|swordfish|tr0ub4dor|horse/);
  });
});

test("the defaults are those of the two APIs' references", () => {
  const names = [
    ...["MESSAGES_PER_MINUTE_MARKETPLACE", "MESSAGES_PER_MINUTE_UNIHUB", "EDIT_WINDOW_MINUTES"],
    ...["SENDS_WAIT_FOR_LISTS", "REQUEST_LIMITS", "USER_DIRECTORY", "ENVIRONMENT"],
    "USER_SEARCH",
    ...["ALLOWED_ORIGINS", "JWT_ISSUER", "JWT_AUDIENCE", "JWT_JWKS_URL", "JURISDICTION"],
    ...["MAX_LENGTH_MARKETPLACE", "MAX_LENGTH_UNIHUB", "JWT_USER_CLAIM", "JWT_ROLE_CLAIM"],
    ...["CONVERSATIONS_PER_HOUR", "CHANNELS_PER_HOUR", "SUPPORT_CHATS_PER_HOUR"],
    ...["ADDITIONS_PER_HOUR", "CHANGES_PER_MINUTE", "READS_PER_MINUTE", "PRESENCE_DELAY_MS"],
    ...["VAPID_PRIVATE_KEY", "VAPID_SUBJECT", "PUSH_HOSTS", "NOTIFY_URL", "NOTIFY_SECRET"],
    "CONTACTS",
    ...["MODERATION_URL", "MODERATION_SECRET", "MODERATION_TIMEOUT_MS", "MODERATION_FAILS"],
  ];
  const bare = {
    ...Object.fromEntries(names.map((name) => [name, undefined])),
    PUBLIC_URL: "https://chat.test",
  };
  const expected = {
    ENVIRONMENT: "production",
    MESSAGES_PER_MINUTE_MARKETPLACE: 20,
    MESSAGES_PER_MINUTE_UNIHUB: 100,
    EDIT_WINDOW_MINUTES: 15,
    MAX_LENGTH_MARKETPLACE: 5_000,
    MAX_LENGTH_UNIHUB: 2_000,
    SENDS_WAIT_FOR_LISTS: true,
    REQUEST_LIMITS: true,
    CONVERSATIONS_PER_HOUR: 60,
    CHANNELS_PER_HOUR: 10,
    SUPPORT_CHATS_PER_HOUR: 5,
    ADDITIONS_PER_HOUR: 300,
    CHANGES_PER_MINUTE: 60,
    READS_PER_MINUTE: 200,
    PRESENCE_DELAY_MS: 2_000,
    USER_DIRECTORY: "known",
    USER_SEARCH: "everyone",
    CONTACTS: "open",
    ALLOWED_ORIGINS: [],
    JWT_USER_CLAIM: undefined,
    JWT_ROLE_CLAIM: undefined,
    NOTIFY_URL: undefined,
    NOTIFY_SECRET: undefined,
    MODERATION_URL: undefined,
    MODERATION_SECRET: undefined,
    MODERATION_TIMEOUT_MS: 1_500,
    MODERATION_FAILS: "open",
    VAPID_PRIVATE_KEY: undefined,
    VAPID_SUBJECT: "https://chat.test",
    PUSH_HOSTS: [
      ...["fcm.googleapis.com", "jmt17.google.com", "*.push.services.mozilla.com"],
      ...["*.push.apple.com", "*.notify.windows.com"],
    ],
  };
  expect(settingsWith(bare)).toMatchObject(expected);
  const unset = { JWT_ISSUER: "", JWT_AUDIENCE: " ", JWT_JWKS_URL: "" };
  const claims = { JWT_USER_CLAIM: "", JWT_ROLE_CLAIM: " " };
  const push = { VAPID_PRIVATE_KEY: " ", VAPID_SUBJECT: "", PUSH_HOSTS: "" };
  const webhook = { NOTIFY_URL: "", NOTIFY_SECRET: " " };
  const empty = { ...unset, ...claims, ...push, ...webhook, JURISDICTION: "", ALLOWED_ORIGINS: "" };
  expect(settingsWith({ ...bare, ...empty })).toMatchObject(expected);
});

test.each(["https://chat.test", "https://chat.test/", " HTTPS://Chat.test:443/ "])(
  "PUBLIC_URL: '%s' is accepted as the base of links",
  (PUBLIC_URL) => {
    expect(settingsWith({ PUBLIC_URL })).toMatchObject({ PUBLIC_URL: "https://chat.test" });
  },
);

test.each(["eu", "us", "fedramp"])("JURISDICTION may be %s", (JURISDICTION) => {
  expect(settingsWith({ JURISDICTION })).toMatchObject({ JURISDICTION });
});

describe("503 misconfigured", () => {
  test.each([
    ["no JWT_SECRET", { JWT_SECRET: undefined }],
    ["no ID_SECRET", { ID_SECRET: undefined }],
    ["no FILES_SECRET", { FILES_SECRET: undefined }],
    ["development secrets in production", { JWT_SECRET: DEVELOPMENT, ENVIRONMENT: "production" }],
    ["no PUBLIC_URL in production", { ENVIRONMENT: "production" }],
  ])("every path, with %s", async (_, changes) => {
    const alice = await person();
    for (const path of ["/healthz", CONVERSATIONS, "/live/x", "/nowhere"]) {
      const answer = await fetchWith(changes, path, raw(alice, "GET"));
      expect(answer.status, path).toBe(503);
      expect(answer.body).toEqual({ error: expect.any(String), code: "misconfigured" });
      expect(answer.body.error).not.toMatch(/SECRET/);
      expect(answer.headers.get("X-Request-Id")).toMatch(UUID);
    }
  });

  test("a preflight", async () => {
    const init = { method: "OPTIONS", headers: { Origin: ORIGIN } };
    expect((await fetchWith({ JWT_SECRET: undefined }, CONVERSATIONS, init)).status).toBe(503);
  });
});

test("200 with valid settings", async () => {
  const alice = await person();
  expect((await fetchWith({}, CONVERSATIONS, raw(alice, "GET"))).status).toBe(200);
});
