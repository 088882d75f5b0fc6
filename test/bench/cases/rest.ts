import { signedFor } from "../../system/token.ts";
import type { Case } from "../case.ts";
import { type Ask, requestsTo } from "../requests.ts";
import { call, parleyGroup, type Subject } from "../subjects.ts";

/** The size of the history that is read. */
const HISTORY = 10_000;
const MESSAGES = "/api/v1/chat/messages";

/** Servers beside which Parley is measured. */
export interface Beside {
  peers: Subject;
  node: Subject;
}

let key = 0;

/** Sends of one person to a conversation. */
const sends = (subject: Subject, token: string, conversationId: string, path: string) => () =>
  requestsTo(subject, token, (): Ask => {
    const content = `message number ${++key}, of about the usual length`;
    const body = { conversationId, content, clientMessageId: `rest-${key}` };
    return { method: "POST", path, body };
  });

/**
 * Sending over REST, compared with the platform's minimum, with a Worker that only verifies the same
 * token, and with Express.
 */
export async function restSends(
  parleys: Record<string, Subject>,
  beside?: Beside,
): Promise<Case[]> {
  const token = await signedFor("somebody");
  const measures: Case["measures"] = {};
  let id = "";
  for (const [name, subject] of Object.entries(parleys)) {
    const { conversationId, tokens } = await parleyGroup(subject, 20);
    measures[name] = sends(subject, tokens[0] ?? "", conversationId, MESSAGES);
    id = conversationId;
  }
  if (beside) {
    measures["limit"] = sends(beside.peers, token, id, "/limit/messages");
    measures["a Worker that verifies"] = sends(beside.peers, token, id, "/verify");
    measures["express, SQLite"] = sends(beside.node, token, id, "/messages");
  }
  const [waiting, notWaiting] = ["parley, lists waited for", "parley, not waited for"];
  return [
    {
      name: "REST send, 32 concurrent",
      quantities: {
        rate: {
          unit: "requests/s",
          goals: [
            { of: notWaiting, beside: "limit", atLeast: 0.75 },
            { of: waiting, beside: "limit", atLeast: 0.6 },
          ],
        },
        processor: {
          unit: "µs per send",
          goals: [{ of: notWaiting, beside: "limit", atMost: 1.4 }],
        },
      },
      measures,
    },
  ];
}

/**
 * Reading the newest page, compared with the platform's minimum, with an object that has the same
 * bytes in memory, and with Express.
 */
export async function restHistory(
  parleys: Record<string, Subject>,
  fill: (subject: Subject, id: string, tokens: string[], count: number) => Promise<void>,
  beside?: Beside,
): Promise<Case[]> {
  const measures: Case["measures"] = {};
  for (const [name, subject] of Object.entries(parleys)) {
    const { conversationId, tokens } = await parleyGroup(subject, 20);
    await fill(subject, conversationId, tokens, HISTORY);
    const [token = ""] = tokens;
    const asking = (of: Subject, path: string) => () =>
      requestsTo(of, token, () => ({ method: "GET", path }));
    const query = `?conversationId=${conversationId}&pageSize=50`;
    measures[name] = asking(subject, MESSAGES + query);
    if (beside) {
      const { peers, node } = beside;
      const page = await call(subject, token, "GET", MESSAGES + query);
      await call(peers, token, "PUT", "/memory", page);
      await call(peers, token, "PUT", `/limit/fill?${conversationId}`, String(HISTORY));
      sameForm(page, await call(peers, token, "GET", `/limit/messages${query}`));
      measures["limit"] = asking(peers, `/limit/messages${query}`);
      measures["the bytes from memory"] = asking(peers, "/memory");
      measures["express, SQLite"] = asking(node, "/messages?conversationId=conversation%20of%2020");
    }
  }
  return [
    {
      name: `50 newest of ${HISTORY.toLocaleString("en")} messages over REST, 32 concurrent`,
      quantities: {
        rate: {
          unit: "requests/s",
          goals: [{ of: "parley", beside: "limit", atLeast: 0.7 }],
        },
        processor: {
          unit: "µs per page",
          goals: [{ of: "parley", beside: "limit", atMost: 1.4 }],
        },
      },
      measures,
    },
  ];
}

/** Fails unless two pages have the same fields, in the same order, and about the same length. */
function sameForm(one: string, other: string): void {
  const withoutValues = (page: string) =>
    JSON.stringify(JSON.parse(page), (_, value) => (typeof value === "object" ? value : 0));
  const differs = withoutValues(one) !== withoutValues(other);
  if (differs || Math.abs(one.length / other.length - 1) > 0.05) {
    throw new Error(`the limit's page is another than Parley's:\n${one}\n${other}`);
  }
}
