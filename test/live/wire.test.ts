import { beforeEach, expect, test } from "vitest";
import { type Caller, directPair, openLive, type Socket } from "../support.ts";
import { literal } from "./literal.ts";

/** The exact bytes of every event: a change of them is a change of the protocol. */

let alice: Caller;
let bob: Caller;
let conversationId: string;
let a: Socket;
let b: Socket;

beforeEach(async () => {
  ({ alice, bob, conversationId } = await directPair());
  a = await openLive(alice, conversationId);
  b = await openLive(bob, conversationId);
  await a.next("presence");
});

/** The last frame that a socket received. */
function last(socket: Socket): string {
  return literal(socket.frames.at(-1), conversationId, {
    [alice.userId]: "alice",
    [bob.userId]: "bob",
    [a.all("hello")[0]?.epoch ?? "?"]: "epoch",
  });
}

const MESSAGE =
  '{"id":"<m1>","number":1,"rev":4,"senderId":"<alice>","kind":"text","content":"hi","createdAt":"<time>",' +
  '"editedAt":null,"deletedAt":null,"replyTo":null,"attachments":[],"reactions":[],"metadata":null,"clientMessageId":null}';

test("hello and the first sync are sent in one frame", () => {
  expect(a.frames.length).toBe(2);
  expect(b.frames.length).toBe(1);
  const people = [
    [
      alice.userId,
      '{"userId":"<alice>","name":null,"avatarUrl":null,"role":"member","joinedAt":"<time>","leftAt":null,"rev":2}',
    ],
    [
      bob.userId,
      '{"userId":"<bob>","name":null,"avatarUrl":null,"role":"member","joinedAt":"<time>","leftAt":null,"rev":3}',
    ],
  ].sort();
  const conversation =
    '{"id":"<c>","kind":"direct","title":null,"description":null,"visibility":"private","createdBy":"<alice>",' +
    '"createdAt":"<time>","archivedAt":null,"memberCount":2,"lastNumber":0,"rev":1}';
  expect(last(b)).toBe(
    `{"type":"hello","protocol":"parley.v1","epoch":"<epoch>","rev":3,` +
      `"you":{"userId":"<bob>","role":"member","unread":0},"conversation":${conversation},` +
      `"online":["<alice>","<bob>"],"limits":{"messagesPerMinute":100,"contentLength":2000,` +
      `"editWindowMs":900000,"attachments":10,"frameBytes":65536},"reconnectAfterMs":504}\n` +
      `{"type":"sync","from":0,"to":3,"messages":[],"members":[${people.map(([, json]) => json).join()}],` +
      `"reads":[],"conversation":${conversation},"more":false}`,
  );
});

test("a message: the event and the ack in one frame to its sender, the event to others", async () => {
  a.send({ op: "send", id: 7, content: "hi" });
  await Promise.all([a.next("ack"), b.next("message")]);
  const event = `{"type":"message","rev":4,"cause":"created","message":${MESSAGE}}`;
  expect(last(b)).toBe(event);
  expect(last(a)).toBe(`${event}\n{"type":"ack","id":7,"rev":4,"messageId":"<m1>","remaining":99}`);
});

test("a retry is acknowledged as such, only to its sender", async () => {
  const frame = { op: "send", id: "x", content: "hi", clientMessageId: "k1" };
  a.send(frame);
  await a.next("ack");
  a.send(frame);
  await a.next("ack");
  expect(last(a)).toMatch(
    /^\{"type":"ack","id":"x","rev":4,"messageId":"<m1>","deduplicated":true,"remaining":\d+\}$/,
  );
  b.send({ op: "send", content: "next" });
  await b.next("message", (event) => event.message.content === "next");
  expect(b.all("message").length).toBe(2);
});

test("an edit and a deletion contain the whole message", async () => {
  a.send({ op: "send", content: "hi" });
  const { messageId } = await a.next("ack");
  a.send({ op: "edit", id: 1, messageId, content: "hi there" });
  await Promise.all([a.next("ack"), b.next("message", ({ cause }) => cause === "edited")]);
  const edited = MESSAGE.replace('"rev":4', '"rev":5')
    .replace('"content":"hi"', '"content":"hi there"')
    .replace('"editedAt":null', '"editedAt":"<time>"');
  expect(last(b)).toBe(`{"type":"message","rev":5,"cause":"edited","message":${edited}}`);
  expect(last(a)).toBe(`${last(b)}\n{"type":"ack","id":1,"rev":5,"messageId":"<m1>"}`);
  a.send({ op: "delete", id: 2, messageId });
  await Promise.all([a.next("ack"), b.next("message", ({ cause }) => cause === "deleted")]);
  const deleted = edited
    .replace('"rev":5', '"rev":6')
    .replace('"content":"hi there"', '"content":""')
    .replace('"deletedAt":null', '"deletedAt":"<time>"');
  expect(last(b)).toBe(`{"type":"message","rev":6,"cause":"deleted","message":${deleted}}`);
  expect(last(a)).toBe(`${last(b)}\n{"type":"ack","id":2,"rev":6,"messageId":"<m1>"}`);
});

test("a read mark", async () => {
  a.send({ op: "send", content: "hi" });
  await b.next("message");
  b.send({ op: "read", id: 0 });
  await Promise.all([a.next("read"), b.next("ack")]);
  const event = '{"type":"read","rev":5,"userId":"<bob>","from":1,"to":1,"readAt":"<time>"}';
  expect(last(a)).toBe(event);
  expect(last(b)).toBe(`${event}\n{"type":"ack","id":0,"rev":5}`);
});

test("typing", async () => {
  a.send({ op: "typing", active: true });
  await b.next("typing");
  expect(last(b)).toBe('{"type":"typing","userId":"<alice>","active":true,"expiresInMs":6000}');
  a.send({ op: "typing", active: false });
  await b.next("typing");
  expect(last(b)).toBe('{"type":"typing","userId":"<alice>","active":false,"expiresInMs":0}');
});

test("presence", async () => {
  expect(last(a)).toBe('{"type":"presence","userId":"<bob>","online":true,"lastSeenAt":"<time>"}');
  b.close();
  await a.next("presence");
  expect(last(a)).toBe('{"type":"presence","userId":"<bob>","online":false,"lastSeenAt":"<time>"}');
});

test("an error contains the command's id, a code and a message", async () => {
  a.send({ op: "send", id: "x", content: " " });
  await a.next("error");
  expect(last(a)).toBe(
    '{"type":"error","id":"x","code":"empty_content","message":"A message needs text that is more than white space.","details":[{"path":"content","message":"A message needs text that is more than white space."}]}',
  );
});

test("the answer to history and the answer to sync", async () => {
  a.send({ op: "send", content: "hi" });
  await a.next("ack");
  a.send({ op: "history", id: 1 });
  await a.next("sync");
  expect(last(a)).toBe(
    `{"type":"sync","messages":[${MESSAGE}],"members":[],"reads":[],"conversation":null,"more":false,"id":1}`,
  );
  a.send({ op: "sync", id: 2, since: 3 });
  await a.next("sync");
  expect(last(a)).toBe(
    `{"type":"sync","from":3,"to":4,"messages":[${MESSAGE}],"members":[],"reads":[],"conversation":null,"more":false,"id":2}`,
  );
});

test("ping is answered with pong, and nothing else", async () => {
  a.send("ping");
  await a.until(() => a.frames.at(-1) === "pong");
  expect(a.all("error")).toEqual([]);
});
