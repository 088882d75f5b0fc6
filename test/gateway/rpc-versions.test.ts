import { env } from "cloudflare:workers";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Conversation } from "../../src/conversation/object.ts";
import {
  PREVIOUS_CONVERSATION_METHODS,
  PREVIOUS_GATEWAY_METHODS,
} from "../../src/conversation/rpc-versions.ts";
import { Gateway } from "../../src/gateway/gateway.ts";
import { type Caller, directPair, openLive, send } from "../support.ts";
import { Hub } from "./line.ts";

/** Workers and objects of two versions call each other for about a minute after a deploy. */

let alice: Caller;
let bob: Caller;
let conversationId: string;

beforeEach(async () => {
  ({ alice, bob, conversationId } = await directPair());
});

const undo: (() => void)[] = [];
afterEach(() => {
  for (const action of undo.splice(0)) action();
});

/** Has the objects of a class know their methods by their previous names only. */
function downgrade(prototype: object, names: Readonly<Record<string, string>>): void {
  for (const [name, previous] of Object.entries(names)) {
    const [now, before] = [name, previous].map((key) =>
      Object.getOwnPropertyDescriptor(prototype, key),
    );
    if (!now || !before) throw new Error(`no ${name} or ${previous}`);
    Object.defineProperty(prototype, previous, now);
    Reflect.deleteProperty(prototype, name);
    undo.push(() => {
      Object.defineProperty(prototype, name, now);
      Object.defineProperty(prototype, previous, before);
    });
  }
}

/** Joins, receives a message and what is ephemeral, catches up and leaves. */
async function useGateway(): Promise<void> {
  const hub = await Hub.connect(alice);
  expect(await hub.ask("JoinConversation", conversationId)).toHaveProperty("rev");
  await send(bob, conversationId, "one");
  await hub.until("ReceiveMessage", 1);
  const live = await openLive(bob, conversationId);
  live.send({ op: "typing", active: true });
  await hub.until("UserTyping", 1);
  const later = await Hub.connect(alice);
  expect(await later.ask("JoinConversation", conversationId, 1)).toHaveProperty("rev");
  await later.until("ReceiveMessage", 1);
  expect(await hub.ask("LeaveConversation", conversationId)).toBeNull();
}

test("objects answer to the previous names of their methods", async () => {
  // biome-ignore lint/suspicious/noExplicitAny: calls as a Worker of the previous version does
  const object = env.CONVERSATIONS.getByName(conversationId) as any;
  const actor = { userId: alice.userId, name: null, avatarUrl: null, role: "user" };
  const address = { gateway: "nowhere", protocol: "signalr", origin: "https://a.test" };
  const reader = { ...actor, reach: "member" };
  expect(await object.listen(reader, address)).toMatchObject({ ok: true });
  expect(await object.missed(reader, 0, 0, "https://a.test")).toMatchObject({ ok: true });
  expect(await object.foreseen(reader, { type: "leave" })).toHaveProperty("ok");
  expect(await object.forfeit("a claim")).toBe(true);
  await object.unlisten("nowhere");
  // biome-ignore lint/suspicious/noExplicitAny: likewise
  const gateway = env.SIGNALR.getByName("nowhere") as any;
  expect(await gateway.pass(conversationId, "{}")).toBe(false);
  expect(await gateway.holds(conversationId)).toBe(false);
});

test("a conversation of the previous version is called by previous names", async () => {
  downgrade(Conversation.prototype, PREVIOUS_CONVERSATION_METHODS);
  await useGateway();
});

test("a gateway of the previous version is called by previous names", async () => {
  downgrade(Gateway.prototype, PREVIOUS_GATEWAY_METHODS);
  await useGateway();
});
