import { expect, test } from "vitest";
import { directPair, fetchJson, openLive, tokenFor } from "../support.ts";
import { requestSocket } from "./request-socket.ts";

const PROTOCOL_HEADER = "Sec-WebSocket-Protocol";

test("a bearer header opens the socket, and no subprotocol is returned that was not offered", async () => {
  const { alice, conversationId } = await directPair();
  const socket = await requestSocket(`/live/${conversationId}`, {
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
])("of the list %s<jwt>%s only parley.v1 is returned", async (before, after) => {
  const { alice, conversationId } = await directPair();
  const socket = await requestSocket(`/live/${conversationId}`, {
    [PROTOCOL_HEADER]: before + alice.token + after,
  });
  expect((await socket.next("hello")).you.userId).toBe(alice.userId);
  expect(socket.response.headers.get(PROTOCOL_HEADER)).toBe("parley.v1");
});

test("a browser's token in the subprotocol list is sufficient, and is not returned", async () => {
  const { alice, conversationId } = await directPair();
  const socket = await requestSocket(`/live/${conversationId}`, {
    [PROTOCOL_HEADER]: `bearer.${alice.token}`,
  });
  await socket.next("hello");
  expect(socket.response.headers.get(PROTOCOL_HEADER)).toBeNull();
});

test("?access_token= opens the socket", async () => {
  const { alice, conversationId } = await directPair();
  const socket = await requestSocket(`/live/${conversationId}?access_token=${alice.token}`);
  expect((await socket.next("hello")).you.userId).toBe(alice.userId);
});

test("an invalid bearer header is rejected even with a valid token elsewhere", async () => {
  const { alice, conversationId } = await directPair();
  const socket = await requestSocket(`/live/${conversationId}?access_token=${alice.token}`, {
    Authorization: "Bearer not.a.token",
  });
  expect((await socket.closed).code).toBe(4401);
});

test("a token signed with the older secret opens the socket during secret rotation", async () => {
  const { alice, conversationId } = await directPair();
  const token = await tokenFor(alice.userId, { secret: "test-jwt-older-0123456789abcdefghij" });
  const socket = await requestSocket(`/live/${conversationId}?access_token=${token}`);
  expect((await socket.next("hello")).you.userId).toBe(alice.userId);
});

test("a conversation id in upper case names the same conversation", async () => {
  const { alice, bob, conversationId } = await directPair();
  const lower = await openLive(alice, conversationId);
  const upper = await openLive(bob, conversationId.toUpperCase());
  expect(upper.all("hello")[0]?.conversation.id).toBe(conversationId);
  upper.send({ op: "send", content: "same room" });
  expect((await lower.next("message")).message.content).toBe("same room");
});

test("a long name and picture in the token do not prevent a connection", async () => {
  const { alice, conversationId } = await directPair();
  const token = await tokenFor(alice.userId, {
    name: "名".repeat(500),
    claims: { picture: `https://parley.test/${"é".repeat(2_000)}` },
  });
  const socket = await requestSocket(`/live/${conversationId}?access_token=${token}`);
  expect((await socket.next("hello")).you.userId).toBe(alice.userId);
});

test("the identity comes only from the token, whatever else the request contains", async () => {
  const { alice, bob, conversationId } = await directPair();
  const seat = { userId: bob.userId, name: null, avatarUrl: null, role: "admin", expiresAt: 1e15 };
  const socket = await requestSocket(`/live/${conversationId}?userId=${bob.userId}`, {
    Authorization: `Bearer ${alice.token}`,
    "X-Parley-Seat": encodeURIComponent(JSON.stringify(seat)),
    "X-User-Id": bob.userId,
  });
  expect((await socket.next("hello")).you.userId).toBe(alice.userId);
});

test("a plain GET is answered with 426", async () => {
  const { alice, conversationId } = await directPair();
  const answer = await alice.get(`/live/${conversationId}`);
  expect(answer.status).toBe(426);
  expect(answer.body).toEqual({
    error: "Open a WebSocket here: send Upgrade: websocket.",
    code: "upgrade_required",
  });
  expect(await fetchJson(`/live/${conversationId}`)).toMatchObject({ status: 426 });
});

test("the answer to a plain GET has a request id, as every response has", async () => {
  const { alice, conversationId } = await directPair();
  const answer = await alice.get(`/live/${conversationId}`);
  expect(answer.headers.get("X-Request-Id")).toMatch(/^[0-9a-f-]{36}$/);
});

test("the answer to a plain GET names the protocol to upgrade to, as RFC 9110 requires", async () => {
  const { alice, conversationId } = await directPair();
  const answer = await alice.get(`/live/${conversationId}`);
  expect(answer.headers.get("Upgrade")).toBe("websocket");
});
