import { Pool } from "undici";
import { signedFor } from "../../system/token.ts";
import type { Case } from "../case.ts";
import { call, parleyGroup, type Subject } from "../subjects.ts";

const CONCURRENT = 32;
const STRETCH_MS = 1_500;
/** The size of the history that is read. */
const HISTORY = 10_000;

interface Ask {
  method: "GET" | "POST";
  path: string;
  body?: unknown;
}

/** Requests a second that a server answers, {@link CONCURRENT} at a time. */
async function requestsPerSecond(
  { address }: Subject,
  token: string,
  next: () => Ask,
): Promise<number> {
  const pool = new Pool(address, { connections: CONCURRENT });
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const began = performance.now();
  let answered = 0;
  const asking = async () => {
    while (performance.now() - began < STRETCH_MS) {
      const { method, path, body } = next();
      const sent = body === undefined ? {} : { body: JSON.stringify(body) };
      const answer = await pool.request({ method, path, headers, ...sent });
      const text = await answer.body.text();
      if (answer.statusCode >= 300) throw new Error(`${path}: ${answer.statusCode} ${text}`);
      answered++;
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT }, asking));
  const rate = (answered * 1_000) / (performance.now() - began);
  await pool.close();
  return rate;
}

let key = 0;

/** Sending over REST, compared with a Worker that only verifies the same token. */
export async function restSends(
  parley: Subject,
  parleyNotWaiting: Subject,
  peers: Subject,
  node: Subject,
): Promise<Case[]> {
  const body = (conversationId: string) => ({
    conversationId,
    content: `message number ${++key}, of about the usual length`,
    clientMessageId: `rest-${key}`,
  });
  const token = await signedFor("somebody");
  const to = (conversationId: string, path: string) => (): Ask => ({
    method: "POST",
    path,
    body: body(conversationId),
  });
  const sending = async (subject: Subject) => {
    const { conversationId, tokens } = await parleyGroup(subject, 20);
    const ask = to(conversationId, "/api/v1/chat/messages");
    return () => requestsPerSecond(subject, tokens[0] ?? "", ask);
  };
  const wait = await sending(parley);
  const noWait = await sending(parleyNotWaiting);
  return [
    {
      name: "REST send, 32 concurrent",
      unit: "requests/s",
      measures: {
        "parley, lists waited for": wait,
        "parley, not waited for": noWait,
        "a Worker that verifies": () => requestsPerSecond(peers, token, to("x", "/verify")),
        "express, SQLite": () => requestsPerSecond(node, token, to("x", "/messages")),
      },
      goals: [
        { of: "parley, not waited for", beside: "a Worker that verifies", atLeast: 0.6 },
        { of: "parley, lists waited for", beside: "a Worker that verifies", atLeast: 0.6 },
      ],
    },
  ];
}

/** Reading the newest page, compared with an object that has the same bytes in memory. */
export async function restHistory(
  parley: Subject,
  peers: Subject,
  node: Subject,
  fill: (conversationId: string, tokens: string[], count: number) => Promise<void>,
): Promise<Case[]> {
  const { conversationId, tokens } = await parleyGroup(parley, 20);
  await fill(conversationId, tokens, HISTORY);
  const [token = ""] = tokens;
  const path = `/api/v1/chat/messages?conversationId=${conversationId}&pageSize=50`;
  await call(peers, token, "PUT", "/memory", await call(parley, token, "GET", path));
  const asking = (subject: Subject, path: string) => () =>
    requestsPerSecond(subject, token, () => ({ method: "GET", path }));
  const inNode = "/messages?conversationId=conversation%20of%2020";
  return [
    {
      name: `50 newest of ${HISTORY.toLocaleString("en")} messages over REST, 32 concurrent`,
      unit: "requests/s",
      measures: {
        parley: asking(parley, path),
        "the bytes from memory": asking(peers, "/memory"),
        "express, SQLite": asking(node, inNode),
      },
      goals: [{ of: "parley", beside: "the bytes from memory", atLeast: 0.7 }],
    },
  ];
}
