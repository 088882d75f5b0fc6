import { WebSocket } from "ws";
import { signedFor } from "../../system/token.ts";
import type { Case } from "../case.ts";
import { Crowd } from "../crowd.ts";
import { parley } from "../dialects.ts";
import { rateAndCost } from "../processor.ts";
import { call, parleyGroup, type Subject, webSocketUrl } from "../subjects.ts";
import { Traffic } from "../traffic.ts";

const STRETCH_MS = 1_200;
const CONVERSATIONS = 50;
const RECEIVERS = 20;

let people = 0;

/**
 * The cost of an inbox: one person in many conversations with traffic, by their inbox beside a native socket
 * for each; and a conversation whose receivers all have their inboxes open as well.
 */
export async function inboxes(parleys: Record<string, Subject>): Promise<Case[]> {
  const many: Case["measures"] = {};
  const readingAlong: Case["measures"] = {};
  for (const [name, subject] of Object.entries(parleys)) {
    for (const by of ["one inbox", "50 native sockets"] as const) {
      const traffic = await trafficAt(subject, by);
      many[`${name}, ${by}`] = () =>
        rateAndCost(subject.program, async () => {
          const { messages, ms } = await traffic.load(32, STRETCH_MS);
          return { count: messages, ms };
        });
    }
    for (const opened of [true, false]) {
      const crowd = await crowdAt(subject, opened);
      await crowd.load(32, 500);
      readingAlong[`${name}, inboxes ${opened ? "open" : "closed"}`] = () =>
        rateAndCost(subject.program, async () => {
          const { deliveries, ms } = await crowd.load(32, STRETCH_MS);
          return { count: deliveries, ms };
        });
    }
  }
  return [
    {
      name: "one person in 50 conversations with traffic, 32 in flight",
      quantities: {
        rate: { unit: "messages/s", goals: [] },
        processor: {
          unit: "µs per message",
          goals: [{ of: "parley, one inbox", beside: "parley, 50 native sockets", atMost: 2 }],
        },
      },
      measures: many,
    },
    {
      name: "32 sends in flight, 20 receivers who read along",
      quantities: {
        rate: { unit: "deliveries/s", goals: [] },
        processor: {
          unit: "µs per delivery",
          goals: [{ of: "parley, inboxes open", beside: "parley, inboxes closed", atMost: 1.05 }],
        },
      },
      measures: readingAlong,
    },
  ];
}

/** One person in many direct conversations, connected in one of two ways, and all others in theirs. */
async function trafficAt(subject: Subject, by: "one inbox" | "50 native sockets") {
  const owner = `busy-${++people}`;
  const token = await signedFor(owner);
  await call(subject, token, "GET", "/api/v1/chat/conversations");
  const traffic = new Traffic();
  for (let i = 0; i < CONVERSATIONS; i++) {
    const other = await signedFor(`${owner}-with-${i}`);
    const direct = { otherUserId: owner };
    const path = "/api/v1/chat/conversations/direct";
    const { conversationId } = JSON.parse(await call(subject, other, "POST", path, direct));
    const url = webSocketUrl(subject, `/live/${conversationId}`);
    await traffic.join(conversationId, url, other);
    if (by === "50 native sockets") await traffic.watch(url, token, conversationId);
  }
  if (by === "one inbox") await traffic.watch(webSocketUrl(subject, "/live"), token);
  return traffic;
}

/** A group whose members have open sockets, and perhaps their inboxes open. */
async function crowdAt(subject: Subject, withInboxes: boolean): Promise<Crowd> {
  const { conversationId, tokens } = await parleyGroup(subject, RECEIVERS);
  const url = webSocketUrl(subject, `/live/${conversationId}`);
  if (withInboxes) {
    for (const token of tokens) {
      const { protocols, ping = "" } = parley(token);
      const socket = new WebSocket(webSocketUrl(subject, "/live"), protocols);
      await new Promise((resolve, reject) => socket.on("message", resolve).on("error", reject));
      setInterval(() => socket.send(ping), 25_000).unref();
    }
  }
  return await Crowd.gather(url, tokens.map(parley), 1);
}
