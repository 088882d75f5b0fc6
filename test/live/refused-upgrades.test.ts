import { listDurableObjectIds, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { SignJWT } from "jose";
import { expect, test } from "vitest";
import { settingsOf } from "../../src/env.ts";
import { directPair, objectOf, open, openLive, person, tokenFor } from "../support.ts";
import { requestSocket } from "./request-socket.ts";

/** Upgrades without a valid token open no socket. */
const BAD_TOKENS: Record<string, (userId: string) => string | Promise<string>> = {
  "no token at all": () => "",
  "something that is no token": () => "sesame",
  "an expired token": (userId) => tokenFor(userId, { expiresIn: -1 }),
  "another key": (userId) => tokenFor(userId, { secret: "another-jwt-secret-0123456789abcdef" }),
  "alg none": (userId) => `${part({ alg: "none" })}.${part({ sub: userId, exp: inAnHour() })}.`,
  "another algorithm with our key": (userId) =>
    signed(new SignJWT({ sub: userId }).setExpirationTime("1h"), "HS512"),
  "no expiry": (userId) => signed(new SignJWT({ sub: userId }), "HS256"),
  "no user": () => signed(new SignJWT({}).setExpirationTime("1h"), "HS256"),
  "an empty user": () => tokenFor(""),
  "a user with control characters": () => tokenFor("eve\u0000"),
  "a user that is no text": () =>
    signed(new SignJWT({ nameid: 7 }).setExpirationTime("1h"), "HS256"),
};

test.each(Object.entries(BAD_TOKENS))("%s: 4401", async (_, make) => {
  const { alice, conversationId } = await directPair();
  const token = await make(alice.userId);
  const asked = await Promise.all([
    requestSocket(`/live/${conversationId}`, token ? { Authorization: `Bearer ${token}` } : {}),
    requestSocket(`/live/${conversationId}?access_token=${encodeURIComponent(token)}`),
    requestSocket(`/live/${conversationId}`, {
      "Sec-WebSocket-Protocol": `parley.v1, bearer.${token}`,
    }),
  ]);
  for (const socket of asked) {
    expect((await socket.closed).code).toBe(4401);
    expect(socket.frames).toEqual([]);
  }
  expect(asked[2].response.headers.get("Sec-WebSocket-Protocol")).toBe("parley.v1");
});

test("a user who is not a member: 4403, regardless of roles", async () => {
  const { bob, conversationId } = await directPair();
  const watching = await openLive(bob, conversationId);
  for (const role of ["user", "support", "resolver", "admin"]) {
    const eve = await person("eve", { role });
    const socket = await open(eve, conversationId);
    expect((await socket.closed).code).toBe(4403);
    expect(socket.frames).toEqual([]);
  }
  watching.send({ op: "send", content: "alone?" });
  await watching.next("message");
  expect(watching.all("presence")).toEqual([]);
});

test("a conversation that does not exist: 4404, and its object stores nothing", async () => {
  const { alice } = await directPair();
  const guessed = "0a1b2c3d-4e5f-8a7b-9c8d-7e0000000000";
  const socket = await open(alice, guessed);
  expect((await socket.closed).code).toBe(4404);
  expect(socket.frames).toEqual([]);
  const tables = await runInDurableObject(objectOf(guessed), (_, { storage }) =>
    storage.sql.exec("SELECT name FROM sqlite_master").toArray(),
  );
  expect(tables).toEqual([]);
});

test("an invalid conversation id: 4404, and no object is called", async () => {
  const { alice, conversationId } = await directPair();
  const objects = (await listDurableObjectIds(env.CONVERSATIONS)).length;
  for (const id of [
    "nothing",
    crypto.randomUUID(),
    conversationId.replaceAll("-", ""),
    `${conversationId.slice(0, -1)}1`,
    encodeURIComponent(`${conversationId}\n`),
    "%F0%9F%98%80",
  ]) {
    const socket = await open(alice, id);
    expect((await socket.closed).code).toBe(4404);
    expect(socket.frames).toEqual([]);
  }
  expect((await listDurableObjectIds(env.CONVERSATIONS)).length).toBe(objects);
});

test("without a token the answer does not reveal which conversations exist", async () => {
  const { conversationId } = await directPair();
  for (const id of [conversationId, "0a1b2c3d-4e5f-8a7b-9c8d-7e0000000001", "nothing"]) {
    expect((await (await requestSocket(`/live/${id}`)).closed).code).toBe(4401);
  }
});

function part(value: object): string {
  return btoa(JSON.stringify(value)).replaceAll("=", "");
}

function inAnHour(): number {
  return Math.floor(Date.now() / 1_000) + 3_600;
}

function signed(jwt: SignJWT, alg: string): Promise<string> {
  const settings = settingsOf(env);
  if (settings instanceof Error) throw settings;
  const [secret] = settings.JWT_SECRET ?? [];
  return jwt.setProtectedHeader({ alg }).sign(new TextEncoder().encode(secret));
}
