import { expect, test } from "vitest";
import { directPair, fetchJson, openLive, tokenFor } from "../support.ts";
import { knock } from "./knock.ts";

const PROTOCOL_HEADER = "Sec-WebSocket-Protocol";

test("a bearer header opens the socket, and no subprotocol is echoed that was not offered", async () => {
  const { alice, conversationId } = await directPair();
  const socket = await knock(`/live/${conversationId}`, {
    Authorization: `Bearer ${alice.token}`,
  });
  expect((await socket.next("hello")).you.userId).toBe(alice.userId);
  expect(socket.response.status).toBe(101);
  expect(socket.response.headers.get(PROTOCOL_HEADER)).toBeNull();
});

test.each([
  ["parley.v1, bearer.", ""],
  ["bearer.", ", parley.v1"],
  ["parley.v2,parley.v1,bearer.", ",chat"],
])("of the list %s<jwt>%s only parley.v1 is echoed", async (before, after) => {
  const { alice, conversationId } = await directPair();
  const socket = await knock(`/live/${conversationId}`, {
    [PROTOCOL_HEADER]: before + alice.token + after,
  });
  expect((await socket.next("hello")).you.userId).toBe(alice.userId);
  expect(socket.response.headers.get(PROTOCOL_HEADER)).toBe("parley.v1");
});

test("a browser's token in the list alone is enough, and is not echoed", async () => {
  const { alice, conversationId } = await directPair();
  const socket = await knock(`/live/${conversationId}`, {
    [PROTOCOL_HEADER]: `bearer.${alice.token}`,
  });
  await socket.next("hello");
  expect(socket.response.headers.get(PROTOCOL_HEADER)).toBeNull();
});

test("?access_token= opens the socket", async () => {
  const { alice, conversationId } = await directPair();
  const socket = await knock(`/live/${conversationId}?access_token=${alice.token}`);
  expect((await socket.next("hello")).you.userId).toBe(alice.userId);
});

test("a bad bearer header is not made good by a token elsewhere", async () => {
  const { alice, conversationId } = await directPair();
  const socket = await knock(`/live/${conversationId}?access_token=${alice.token}`, {
    Authorization: "Bearer not.a.token",
  });
  expect((await socket.closed).code).toBe(4401);
});

test("a token signed with the older secret opens the socket while secrets rotate", async () => {
  const { alice, conversationId } = await directPair();
  const token = await tokenFor(alice.userId, { secret: "test-jwt-older-0123456789abcdefghij" });
  const socket = await knock(`/live/${conversationId}?access_token=${token}`);
  expect((await socket.next("hello")).you.userId).toBe(alice.userId);
});

test("an id in upper case is the same conversation", async () => {
  const { alice, bob, conversationId } = await directPair();
  const lower = await openLive(alice, conversationId);
  const upper = await openLive(bob, conversationId.toUpperCase());
  expect(upper.all("hello")[0]?.conversation.id).toBe(conversationId);
  upper.send({ op: "send", content: "same room" });
  expect((await lower.next("message")).message.content).toBe("same room");
});

test("a picture and a name of many characters do not keep anybody out", async () => {
  const { alice, conversationId } = await directPair();
  const token = await tokenFor(alice.userId, {
    name: "名".repeat(500),
    claims: { picture: `https://parley.test/${"é".repeat(2_000)}` },
  });
  const socket = await knock(`/live/${conversationId}?access_token=${token}`);
  expect((await socket.next("hello")).you.userId).toBe(alice.userId);
});

test("who somebody is comes from their token alone, whatever else they say", async () => {
  const { alice, bob, conversationId } = await directPair();
  const seat = { userId: bob.userId, name: null, avatarUrl: null, role: "admin", expiresAt: 1e15 };
  const socket = await knock(`/live/${conversationId}?userId=${bob.userId}`, {
    Authorization: `Bearer ${alice.token}`,
    "X-Parley-Seat": encodeURIComponent(JSON.stringify(seat)),
    "X-User-Id": bob.userId,
  });
  expect((await socket.next("hello")).you.userId).toBe(alice.userId);
});

test("a plain GET is told to upgrade", async () => {
  const { alice, conversationId } = await directPair();
  const answer = await alice.get(`/live/${conversationId}`);
  expect(answer.status).toBe(426);
  expect(answer.body).toEqual({
    error: "Open a WebSocket here: send Upgrade: websocket.",
    code: "upgrade_required",
  });
  expect(await fetchJson(`/live/${conversationId}`)).toMatchObject({ status: 426 });
});

test("the answer to a plain GET carries a request id, as every response does", async () => {
  const { alice, conversationId } = await directPair();
  const answer = await alice.get(`/live/${conversationId}`);
  expect(answer.headers.get("X-Request-Id")).toMatch(/^[0-9a-f-]{36}$/);
});

test("the answer to a plain GET names the protocol to upgrade to, as RFC 9110 has it", async () => {
  const { alice, conversationId } = await directPair();
  const answer = await alice.get(`/live/${conversationId}`);
  expect(answer.headers.get("Upgrade")).toBe("websocket");
});
