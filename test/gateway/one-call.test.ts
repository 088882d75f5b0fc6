import { runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test, vi } from "vitest";
import { Conversation } from "../../src/conversation/object.ts";
import { frameOf } from "../abuse/gateway-calls.ts";
import { directPair, objectOf } from "../support.ts";
import { Hub } from "./line.ts";

afterEach(() => void vi.restoreAllMocks());

test("a late answer to a query does not allow a second concurrent call with commands", async () => {
  const { alice, conversationId } = await directPair();
  const hub = await Hub.connect(alice);
  const gates: (() => void)[] = [];
  const gate = () => new Promise<void>((resolve) => gates.push(resolve));
  const openGate = () => runInDurableObject(objectOf(conversationId), () => gates.shift()?.());
  let calling = 0;
  let most = 0;
  // biome-ignore lint/suspicious/noExplicitAny: whichever method it is
  const prototype = Conversation.prototype as any;
  const { typing } = prototype;
  let isFirst = true;
  vi.spyOn(prototype, "typing").mockImplementation(async function (this: unknown, ...args) {
    const late = isFirst;
    isFirst = false;
    if (late) await gate();
    return typing.apply(this, args);
  });
  for (const name of ["submit", "submitAll"]) {
    const original = prototype[name];
    vi.spyOn(prototype, name).mockImplementation(async function (this: unknown, ...args) {
      most = Math.max(most, ++calling);
      await gate();
      const answer = await original.apply(this, args);
      calling--;
      return answer;
    });
  }
  // A query that is pending, and a later one that is answered at once.
  hub.line.say(frameOf([["StartTyping", conversationId]]));
  await vi.waitUntil(() => gates.length === 1);
  await hub.ask("StopTyping", conversationId);
  hub.line.say(frameOf([["SendMessage", conversationId, "a"]]));
  await vi.waitUntil(() => gates.length === 2);
  await openGate();
  await vi.waitUntil(() => hub.messages().some(({ invocationId }) => invocationId === "frame-0"));
  hub.line.say(frameOf([["SendMessage", conversationId, "b"]]));
  await hub.ask("LeaveConversation", conversationId);
  expect(most).toBe(1);
  while (calling > 0) await openGate();
});
