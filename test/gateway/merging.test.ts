import { runInDurableObject } from "cloudflare:test";
import { beforeEach, expect, test } from "vitest";
import type { Batch } from "../../src/conversation/outbound/subscribers/gateway-api.ts";
import { type Caller, directPair, objectOf, openLive } from "../support.ts";
import { Hub, Io } from "./line.ts";
import { replaceStubs } from "./wire.ts";

/** Commits that follow a busy one closely are delivered to gateways in one call. */

let alice: Caller;
let bob: Caller;
let conversationId: string;
let batches: Batch[];

beforeEach(async () => {
  ({ alice, bob, conversationId } = await directPair());
  batches = [];
});

/** Records the batches that gateways are sent from now on. */
const record = () =>
  replaceStubs(conversationId, (real) => (...address) => {
    const stub = real(...address);
    return {
      ...stub,
      deliver: (batch) => {
        batches.push(batch);
        return stub.deliver?.(batch) ?? Promise.resolve(false);
      },
      deliverEphemeral: (id, line) => stub.deliverEphemeral?.(id, line) ?? Promise.resolve(false),
    };
  });

/** Has Bob send texts, each group in a commit of its own, all in one turn of the object. */
const sendGroups = (groups: readonly (readonly string[])[]) =>
  runInDurableObject(objectOf(conversationId), (object) => {
    // biome-ignore lint/suspicious/noExplicitAny: commits without waiting for what is delivered
    const { open } = object as any;
    const actor = {
      userId: bob.userId,
      name: null,
      avatarUrl: null,
      role: "user",
      reach: "member",
    };
    for (const group of groups) {
      const commands = group.map((content) => {
        return { type: "send", kind: "text", content, maxLength: 100 };
      });
      void open.submitAll(actor, commands);
      open.committer.flush();
    }
  });

const groups = [["a"], ["b", "c"], ["d"], ["e", "f", "g"], ["h"]];

test("a client gets each message once and in order, in fewer calls than commits", async () => {
  const [hub, io] = [await Hub.connect(alice), await Io.connect(alice)];
  await hub.ask("JoinConversation", conversationId);
  await io.ask("join-chat-room", { chatId: conversationId });
  await record();
  await sendGroups(groups);
  await hub.until("ReceiveMessage", 8);
  await io.until("new-message", 8);
  const texts = groups.flat();
  expect(hub.all("ReceiveMessage").map(({ content }) => content)).toEqual(texts);
  expect(io.all("new-message").map(({ message }) => message.content)).toEqual(texts);
  // To two gateways each: the first alone, two together, and all that followed.
  const sizes = batches.map(({ lines }) => lines.length);
  expect(sizes).toEqual([1, 1, 2, 2, 5, 5]);
});

test("typing keeps its place among merged messages", async () => {
  const hub = await Hub.connect(alice);
  await hub.ask("JoinConversation", conversationId);
  const live = await openLive(bob, conversationId);
  await record();
  await sendGroups([["a"], ["b", "c"], ["d"]]);
  live.send({ op: "typing", active: true });
  await hub.until("UserTyping", 1);
  expect(hub.all("ReceiveMessage")).toHaveLength(4);
});
