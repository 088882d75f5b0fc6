import { describe, expect, test, vi } from "vitest";
import { MAX_LEVEL_MS } from "../../src/domain/notification-level.ts";
import { Inbox } from "../../src/inbox/object.ts";
import {
  type Answer,
  type Caller,
  channelOf,
  directPair,
  fetchJson,
  groupOf,
  person,
} from "../support.ts";
import { FOREIGN, NOBODYS, pathsOf } from "./requests.ts";

const SETTINGS = "/api/notifications/settings";
const NIGHT = { from: "22:00", to: "07:00", timeZone: "Europe/Berlin" };

/** The same route in both APIs, and what its answers hold. */
const APIS = [
  {
    api: "UniHub",
    pathOf: (id: string) => `/api/v1/chat/conversations/${id}/notifications`,
    dataOf: ({ body }: Answer) => body,
  },
  {
    api: "marketplace",
    pathOf: (id: string) => `/api/chat/${id}/notifications`,
    dataOf: ({ body }: Answer) => body.data,
  },
];

const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();

describe("settings", () => {
  test("are the defaults until they are changed, one by one, and are those of one user", async () => {
    const [alice, bob] = await Promise.all([person("a"), person("b")]);
    const defaults = { preview: true, doNotDisturb: null };
    expect(await alice.get(SETTINGS)).toMatchObject({ status: 200, body: defaults });
    const changes = [
      [{ doNotDisturb: NIGHT }, { preview: true, doNotDisturb: NIGHT }],
      [{ preview: false }, { preview: false, doNotDisturb: NIGHT }],
      [{}, { preview: false, doNotDisturb: NIGHT }],
      [{ preview: null }, { preview: false, doNotDisturb: NIGHT }],
      [{ doNotDisturb: null }, { preview: false, doNotDisturb: null }],
      [
        { preview: true, doNotDisturb: { ...NIGHT, to: "22:01" } },
        { preview: true, doNotDisturb: { ...NIGHT, to: "22:01" } },
      ],
    ] as const;
    for (const [change, expected] of changes) {
      const { status, body } = await alice.put(SETTINGS, change);
      expect([status, body]).toEqual([200, expected]);
      expect((await alice.get(SETTINGS)).body).toEqual(expected);
    }
    expect((await bob.get(SETTINGS)).body).toEqual(defaults);
  });

  test.each([
    ["preview", { preview: 1 }],
    ["doNotDisturb", { doNotDisturb: "night" }],
    ["doNotDisturb.from", { doNotDisturb: { ...NIGHT, from: "24:00" } }],
    ["doNotDisturb.from", { doNotDisturb: { ...NIGHT, from: "7:00" } }],
    ["doNotDisturb.to", { doNotDisturb: { ...NIGHT, to: "12:60" } }],
    ["doNotDisturb.to", { doNotDisturb: { from: "22:00", timeZone: "UTC" } }],
    ["doNotDisturb.to", { doNotDisturb: { ...NIGHT, to: NIGHT.from } }],
    ["doNotDisturb.timeZone", { doNotDisturb: { ...NIGHT, timeZone: "Europe/Atlantis" } }],
    ["doNotDisturb.timeZone", { doNotDisturb: { ...NIGHT, timeZone: "+01:00" } }],
    ["doNotDisturb.timeZone", { doNotDisturb: { ...NIGHT, timeZone: "x".repeat(65) } }],
  ])("400 for a wrong %s, which changes nothing: %j", async (path, body) => {
    const alice = await person("alice");
    const answer = await alice.put(SETTINGS, { preview: false, ...body });
    expect([answer.status, answer.body.code]).toEqual([400, "invalid_request"]);
    expect(pathsOf(answer)).toEqual([path]);
    expect((await alice.get(SETTINGS)).body.preview).toBe(true);
  });

  test("401 without a token", async () => {
    expect((await fetchJson(SETTINGS)).status).toBe(401);
    const headers = { "Content-Type": "application/json" };
    expect((await fetchJson(SETTINGS, { method: "PUT", headers, body: "{}" })).status).toBe(401);
  });
});

describe.each(APIS)("levels in the $api API", ({ pathOf, dataOf }) => {
  test("are set, with and without an end, and are those of one member", async () => {
    const { alice, bob, conversationId } = await directPair();
    const path = pathOf(conversationId);
    const usual = { level: "all", until: null, default: "all" };
    const until = inAnHour();
    const berlin = `${new Date(Date.parse(until) + 3_600_000).toISOString().slice(0, -1)}+01:00`;
    expect(dataOf(await alice.get(path))).toEqual(usual);
    for (const [body, expected] of [
      [{ level: "none" }, { level: "none", until: null }],
      [
        { level: "mentions", until },
        { level: "mentions", until },
      ],
      [
        { level: "none", until: berlin },
        { level: "none", until },
      ],
      [
        { level: "none", until: null },
        { level: "none", until: null },
      ],
      [{ level: "default" }, usual],
      [{ level: "none" }, { level: "none", until: null }],
      [{ level: "all", until }, usual],
      [{ level: "mentions" }, { level: "mentions", until: null }],
      [{ level: "default", until }, usual],
    ]) {
      const answer = await alice.put(path, body);
      expect([answer.status, dataOf(answer)]).toEqual([200, { ...usual, ...expected }]);
      expect(dataOf(await alice.get(path))).toEqual({ ...usual, ...expected });
      expect(dataOf(await bob.get(path))).toEqual(usual);
    }
  });

  const from = (ms: number) => new Date(Date.now() + ms).toISOString();
  test.each([
    ["no level", () => ({}), "level"],
    ["an unknown level", () => ({ level: "loud" }), "level"],
    ["null as a level", () => ({ level: null }), "level"],
    ["no time", () => ({ level: "none", until: "tomorrow" }), "until"],
    ["a number as a time", () => ({ level: "none", until: 1 }), "until"],
    ["a time that is over", () => ({ level: "none", until: from(-1_000) }), "until"],
    ["367 days", () => ({ level: "none", until: from(MAX_LEVEL_MS + 86_400_000) }), "until"],
  ])("400 for %s, before the conversation is looked up", async (_, body, path) => {
    const { alice, conversationId } = await directPair();
    for (const id of [conversationId, NOBODYS]) {
      const answer = await alice.put(pathOf(id), body());
      expect([answer.status, answer.body.code]).toEqual([400, "invalid_request"]);
      expect(pathsOf(answer)).toEqual([path]);
    }
    expect(dataOf(await alice.get(pathOf(conversationId))).level).toBe("all");
  });

  test("404 and 403 for those who are not in it, also admins, and after they have left", async () => {
    const [alice, bob, carol] = await Promise.all([person("a"), person("b"), person("c")]);
    const [stranger, admin] = [await person("s"), await person("admin", { role: "admin" })];
    const group = await groupOf(alice, bob, carol);
    const both = (who: Caller, id: string) =>
      Promise.all([who.get(pathOf(id)), who.put(pathOf(id), { level: "none" })]);
    for (const id of [NOBODYS, FOREIGN, "x"]) {
      for (const answer of await both(alice, id)) {
        expect(answer).toMatchObject({ status: 404, body: { code: "conversation_not_found" } });
      }
    }
    await bob.put(pathOf(group), { level: "none" });
    await alice.delete(`/api/v1/chat/conversations/${group}/participants/${bob.userId}`);
    for (const who of [stranger, admin, bob]) {
      for (const answer of await both(who, group)) {
        expect(answer).toMatchObject({ status: 403, body: { code: "not_a_member" } });
      }
    }
    // Who comes back has the default.
    await alice.post(`/api/v1/chat/conversations/${group}/participants`, {
      participantId: bob.userId,
    });
    await vi.waitFor(async () => expect(dataOf(await bob.get(pathOf(group))).level).toBe("all"));
  });

  test("503 from an inbox of the version before, and a retry works", async () => {
    const { alice, conversationId } = await directPair();
    const path = pathOf(conversationId);
    const methods = ["notificationLevel", "setNotificationLevel"] as const;
    for (const name of methods) {
      const { value } = Object.getOwnPropertyDescriptor(Inbox.prototype, name) ?? {};
      Reflect.deleteProperty(Inbox.prototype, name);
      const asked =
        name === "notificationLevel" ? alice.get(path) : alice.put(path, { level: "none" });
      expect(await asked).toMatchObject({ status: 503, body: { code: "unavailable" } });
      Object.defineProperty(Inbox.prototype, name, { value, configurable: true });
    }
    expect(dataOf(await alice.put(path, { level: "none" })).level).toBe("none");
  });
});

test("both APIs have the same levels; a channel's default is mentions, and the marketplace has none", async () => {
  const [alice, bob] = await Promise.all([person("a"), person("b")]);
  const channel = await channelOf(alice, [bob]);
  const [unihub, marketplace] = APIS.map(({ pathOf }) => pathOf);
  if (!unihub || !marketplace) throw new Error("two APIs");
  const path = unihub(channel);
  expect((await bob.get(path)).body).toEqual({
    level: "mentions",
    until: null,
    default: "mentions",
  });
  expect((await bob.put(path, { level: "all" })).body.level).toBe("all");
  expect((await bob.put(marketplace(channel), { level: "none" })).status).toBe(404);
  // Who may see a public channel is not in it yet.
  const carol = await person("carol");
  expect((await carol.get(path)).body.code).toBe("not_a_member");
  const group = await groupOf(alice, bob, carol);
  await bob.put(marketplace(group), { level: "none" });
  expect((await bob.get(unihub(group))).body.level).toBe("none");
});
