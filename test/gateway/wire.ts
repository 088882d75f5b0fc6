import { runInDurableObject } from "cloudflare:test";
import type { SubscriberStub } from "../../src/conversation/outbound/subscribers/gateway-api.ts";
import type { Rooms } from "../../src/gateway/rooms.ts";
import { objectOf } from "../support.ts";
import type { Hub, Io } from "./line.ts";

/** Records, drops, delays and fails calls between conversations and gateways. */

/** The names of a conversation's calls to gateways from now on. */
export async function recordCalls(conversationId: string): Promise<string[]> {
  const names: string[] = [];
  await runInDurableObject(objectOf(conversationId), (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: replaces a private method
    const { subscribers } = (object as any).open;
    const { call } = subscribers;
    subscribers.call = (subscriber: unknown, name: string, ...parameters: unknown[]) => {
      names.push(name);
      return call.call(subscribers, subscriber, name, ...parameters);
    };
  });
  return names;
}

/** Drops a conversation's next call to a gateway. */
export function dropNextCall(conversationId: string): Promise<void> {
  return runInDurableObject(objectOf(conversationId), (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: replaces a private method
    const { subscribers } = (object as any).open;
    const { call } = subscribers;
    subscribers.call = () => {
      subscribers.call = call;
    };
  });
}

/**
 * Calls `happens` once, after a conversation has answered a gateway with a value that has `field`,
 * and before the gateway receives it.
 */
export function beforeAnswerArrives(
  object: Io["object"] | Hub["object"],
  field: string,
  happens: (rooms: Rooms) => Promise<void>,
) {
  return runInDurableObject(object as Io["object"], (gateway) => {
    // biome-ignore lint/suspicious/noExplicitAny: replaces a private method
    const { rooms } = gateway as any;
    const { conversations } = rooms;
    const { ask } = conversations;
    conversations.ask = async (...question: unknown[]) => {
      const answer = await ask.apply(conversations, question);
      if (conversations.ask === ask || !(field in (answer.value ?? {}))) return answer;
      conversations.ask = ask;
      await happens(rooms);
      return answer;
    };
  });
}

/** Makes every call of a conversation to a gateway fail, until `end` is called. */
export async function outOfReach(conversationId: string) {
  const tries = { failed: 0, end: () => Promise.resolve() };
  const deliver = () => {
    tries.failed++;
    return Promise.reject(new Error("out of reach"));
  };
  const real = await replaceStubs(conversationId, () => () => ({ deliver }));
  tries.end = async () => {
    await replaceStubs(conversationId, () => real);
  };
  return tries;
}

type StubFor = (...address: unknown[]) => Partial<SubscriberStub>;

/**
 * Replaces the stubs by which a conversation calls its gateways; resolves to the replaced function.
 */
export function replaceStubs(
  conversationId: string,
  change: (real: StubFor) => StubFor,
): Promise<StubFor> {
  return runInDurableObject(objectOf(conversationId), (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: replaces a private method
    const { calls } = (object as any).open.subscribers;
    const { stubFor } = calls;
    calls.stubs.clear();
    calls.stubFor = change(stubFor);
    return stubFor;
  });
}
