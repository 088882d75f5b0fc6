import { WebSocket } from "ws";
import type { Case } from "../case.ts";
import { call, parleyGroup, type Subject } from "../subjects.ts";

/** The number of missed changes. */
const MISSED = 10_000;

const UNTIL = "until applied";

/** Resuming after many missed changes, compared with reading the same rows at once. */
export async function resuming(
  parleys: Record<string, Subject>,
  fill: (subject: Subject, id: string, tokens: string[], count: number) => Promise<void>,
  peers?: Subject,
): Promise<Case[]> {
  const measures: Case["measures"] = {};
  let anyToken = "";
  for (const [name, subject] of Object.entries(parleys)) {
    const { conversationId, tokens } = await parleyGroup(subject, 20);
    const [token = ""] = tokens;
    const before = await caughtUp(subject, conversationId, token, "");
    await fill(subject, conversationId, tokens, MISSED);
    measures[name] = async () => {
      const began = performance.now();
      const { applied } = await caughtUp(subject, conversationId, token, `?since=${before.rev}`);
      if (applied < MISSED) throw new Error(`${applied} changes of ${MISSED}`);
      return { [UNTIL]: performance.now() - began };
    };
    anyToken = token;
  }
  if (peers) {
    await call(peers, anyToken, "PUT", "/rows", String(MISSED));
    measures["one SELECT and JSON.stringify"] = async () => {
      const began = performance.now();
      const rows = JSON.parse(await call(peers, anyToken, "GET", "/rows"));
      const applied = new Map(rows.map((row: { number: number }) => [row.number, row]));
      if (applied.size !== MISSED) throw new Error(`${applied.size} rows of ${MISSED}`);
      return { [UNTIL]: performance.now() - began };
    };
  }
  return [
    {
      name: `resume after ${MISSED.toLocaleString("en")} missed changes`,
      quantities: {
        [UNTIL]: {
          unit: "ms",
          goals: [
            { of: "parley", atMost: 300 },
            { of: "parley", beside: "one SELECT and JSON.stringify", atMost: 2 },
          ],
        },
      },
      measures,
    },
  ];
}

/**
 * Connects, requests all pages, and applies them; returns the number of rows and the last revision.
 */
function caughtUp(
  { address }: Subject,
  conversationId: string,
  token: string,
  query: string,
): Promise<{ applied: number; rev: number }> {
  const url = `${address.replace("http", "ws")}/live/${conversationId}${query}`;
  const socket = new WebSocket(url, ["parley.v1", `bearer.${token}`], { perMessageDeflate: false });
  const messages = new Map<string, { rev: number }>();
  return new Promise((resolve, reject) => {
    socket.on("error", reject);
    socket.on("message", (data) => {
      for (const line of data.toString().split("\n")) {
        const event = JSON.parse(line);
        if (event.type !== "sync") continue;
        for (const message of event.messages) {
          if ((messages.get(message.id)?.rev ?? 0) < message.rev) messages.set(message.id, message);
        }
        if (event.more) {
          socket.send(JSON.stringify({ op: "sync", since: event.to }));
          continue;
        }
        socket.terminate();
        resolve({ applied: messages.size, rev: event.to });
      }
    });
  });
}
