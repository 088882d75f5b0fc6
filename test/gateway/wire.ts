import { runInDurableObject } from "cloudflare:test";
import type { GatewayStub } from "../../src/conversation/outbound/subscribers/gateway-api.ts";
import type { Rooms } from "../../src/gateway/rooms.ts";
import { objectOf } from "../support.ts";
import type { Hub, Io } from "./line.ts";

/** Between conversations and gateways: what goes over the wire is heard, lost or held up. */

/** What a conversation asks of gateways from now on. */
export async function listenIn(conversationId: string): Promise<string[]> {
  const names: string[] = [];
  await runInDurableObject(objectOf(conversationId), (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: the wire is tapped within
    const { subscribers } = (object as any).open;
    const { call } = subscribers;
    subscribers.call = (subscriber: unknown, name: string, ...parameters: unknown[]) => {
      names.push(name);
      return call.call(subscribers, subscriber, name, ...parameters);
    };
  });
  return names;
}

/** The next thing that a conversation tells a gateway is lost on the way. */
export function loseOne(conversationId: string): Promise<void> {
  return runInDurableObject(objectOf(conversationId), (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: the wire is cut within
    const { subscribers } = (object as any).open;
    const { call } = subscribers;
    subscribers.call = () => {
      subscribers.call = call;
    };
  });
}

/**
 * Has something happen once between an answer of a conversation's to a gateway, one that carries `field`,
 * and its arrival.
 */
export function between(
  object: Io["object"] | Hub["object"],
  field: string,
  happens: (rooms: Rooms) => Promise<void>,
) {
  return runInDurableObject(object as Io["object"], (gateway) => {
    // biome-ignore lint/suspicious/noExplicitAny: the wire is cut within
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

/** Every call of a conversation to a gateway fails, until the end. */
export async function outOfReach(conversationId: string) {
  const tries = { failed: 0, end: () => Promise.resolve() };
  const deliver = () => {
    tries.failed++;
    return Promise.reject(new Error("out of reach"));
  };
  const real = await reroute(conversationId, () => () => ({ deliver }));
  tries.end = async () => {
    await reroute(conversationId, () => real);
  };
  return tries;
}

type StubFor = (...address: unknown[]) => Partial<GatewayStub>;

/** Has a conversation reach its gateways by other stubs from now on; resolves to how it did before. */
export function reroute(
  conversationId: string,
  change: (real: StubFor) => StubFor,
): Promise<StubFor> {
  return runInDurableObject(objectOf(conversationId), (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: the wire is cut within
    const { calls } = (object as any).open.subscribers;
    const { stubFor } = calls;
    calls.stubs.clear();
    calls.stubFor = change(stubFor);
    return stubFor;
  });
}
