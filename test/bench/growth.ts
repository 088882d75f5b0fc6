/**
 * `npm run bench:growth`: the cost of operations as a conversation grows, in time and in rows.
 * Writes docs/growth.md and docs/growth.svg.
 */
import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { ROOT } from "../../src/cli/settings.ts";
import { messageIdOf } from "../../src/domain/id.ts";
import { membersSql, messagesSql } from "../seed-sql.ts";
import { cleanUp } from "../system/server.ts";
import { buildOfThis } from "./builds.ts";
import { Crowd } from "./crowd.ts";
import { parley } from "./dialects.ts";
import { median } from "./goals.ts";
import { type Cost, plotted, type Series } from "./plot.ts";
import { CountingProxy } from "./proxy.ts";
import { call, parleyGroup, webSocketUrl } from "./subjects.ts";

/** Repetitions of an operation for its median; its rows are counted once. */
const TIMES = 15;
/** The number of sockets of one user, in large conversations. */
const DEVICES = 10;

/** A conversation to be measured, with its users' tokens. */
interface Measured {
  conversationId: string;
  token: string;
  crowd: Crowd;
  messages: number;
}

const proxy = await CountingProxy.open(await buildOfThis());
const api = "/api/v1/chat";
const ask = (token: string, method: "GET" | "POST", path: string, body?: unknown) =>
  call(proxy.subject, token, method, `${api}${path}`, body);

/** An operation, and the kind of conversation that it needs. */
const OPERATIONS: Record<string, (measured: Measured) => Promise<unknown>> = {
  "send, until everybody has it": ({ crowd }) => crowd.one(),
  "first visit over a socket": async ({ conversationId, token }) => {
    const crowd = await Crowd.gather(urlOf(conversationId), [parley(token)], 1);
    crowd.close();
  },
  "newest page of history": ({ conversationId, token }) =>
    ask(token, "GET", `/messages?conversationId=${conversationId}&pageSize=50`),
  "a page in the middle": ({ conversationId, token, messages }) => {
    const page = Math.max(1, Math.floor(messages / 100));
    return ask(token, "GET", `/messages?conversationId=${conversationId}&pageSize=50&page=${page}`);
  },
  "read the oldest message": ({ conversationId, token }) =>
    ask(token, "POST", `/messages/${messageIdOf(conversationId, 1)}/read`, {}),
  "receipts of the oldest message": ({ conversationId, token }) =>
    ask(token, "GET", `/messages/${messageIdOf(conversationId, 1)}/read-receipts`),
  "my conversations": ({ token }) => ask(token, "GET", "/conversations"),
};

function urlOf(conversationId: string): string {
  return webSocketUrl(proxy.subject, `/live/${conversationId}`);
}

async function costOf(
  measured: Measured,
  operation: (measured: Measured) => Promise<unknown>,
): Promise<Cost> {
  const counts = await proxy.counting(measured.conversationId, () => operation(measured));
  const times: number[] = [];
  for (let i = 0; i < TIMES; i++) {
    const began = performance.now();
    await operation(measured);
    times.push(performance.now() - began);
  }
  return { ...counts, ms: median(times) };
}

/** A group with `receivers` open sockets of its members, and seeded members and messages. */
async function conversationWith(
  messages: number,
  members: number,
  receivers: number,
): Promise<Measured> {
  const people = Math.ceil(receivers / (receivers > 100 ? DEVICES : 1));
  const { conversationId, tokens } = await parleyGroup(proxy.subject, Math.max(3, people));
  const [token = ""] = tokens;
  await proxy.run(conversationId, [
    ...membersSql(Math.max(1, members - tokens.length)),
    ...messagesSql(messages, "seed-000001"),
  ]);
  const dialects = Array.from({ length: receivers }, (_, i) => parley(tokens[i % people] ?? ""));
  const crowd = await Crowd.gather(urlOf(conversationId), dialects, 1);
  await crowd.one();
  await sleep(1_000);
  return { conversationId, token, crowd, messages };
}

/** Measures operations with growing values of one size. */
async function grown(
  what: string,
  sizes: readonly number[],
  operations: readonly string[],
  at: (size: number) => Promise<Measured>,
): Promise<Series> {
  const costs = new Map(operations.map((name) => [name, [] as Cost[]]));
  for (const size of sizes) {
    console.error(`${what}: ${size}`);
    const measured = await at(size);
    for (const name of operations) {
      const operation = OPERATIONS[name];
      if (operation) costs.get(name)?.push(await costOf(measured, operation));
    }
    measured.crowd.close();
  }
  return { what, sizes, costs };
}

function tableOf({ what, sizes, costs }: Series): string {
  const head = [`| ${what} |`, ...sizes.map((size) => ` ${size.toLocaleString("en")} |`)].join("");
  const line = `| --- |${sizes.map(() => " --- |").join("")}`;
  const rows = Array.from(
    costs,
    ([name, each]) =>
      `| ${name} |${each
        .map(
          ({ ms, rowsRead, rowsWritten, d1RowsRead, d1RowsWritten }) =>
            ` ${ms.toFixed(1)} ms · ${rowsRead}/${rowsWritten} · ${d1RowsRead}/${d1RowsWritten} |`,
        )
        .join("")}`,
  );
  return [head, line, ...rows].join("\n");
}

try {
  const all = Object.keys(OPERATIONS);
  const series = [
    await grown("messages", [100, 1_000, 10_000, 100_000], all, (size) =>
      conversationWith(size, 10, 3),
    ),
    await grown("members", [10, 1_000, 10_000], all, (size) => conversationWith(1_000, size, 3)),
    await grown("receivers", [10, 100, 1_000], all.slice(0, 1), (size) =>
      conversationWith(1_000, size, size),
    ),
  ];
  writeFileSync(`${ROOT}/docs/growth.svg`, plotted(series));
  const text = `# How cost grows

Written by \`npm run bench:growth\`; the times are of one machine and no promise, the rows are counted by the platform and the same everywhere. Each cell: time · rows that the object read/wrote · rows that D1 read/wrote. Conversations have 10 members, 1,000 messages and 3 open sockets unless the table says otherwise.

${series.map(tableOf).join("\n\n")}

Two things grow. A first visit lists the members, 200 at most. Receipts seek one range for each member, whether they have read the message or not. The opposite direction, from ranges to members, would need an index on the ends of ranges: one more row written for every read mark, to make a rare query cheaper.

![The same figures as curves](growth.svg)
`;
  writeFileSync(`${ROOT}/docs/growth.md`, text);
  console.log(text);
} finally {
  await cleanUp();
}
process.exit(0);
