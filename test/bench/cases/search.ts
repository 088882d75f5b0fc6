import { setTimeout as sleep } from "node:timers/promises";
import { textsSql } from "../../seed-sql.ts";
import { signedFor } from "../../system/token.ts";
import type { Case } from "../case.ts";
import { median } from "../goals.ts";
import type { CountingProxy } from "../proxy.ts";
import { call, parleyGroup, type Subject } from "../subjects.ts";
import { CHINESE, COMMON, NOTHING, PHRASE, RARE, searchTexts } from "./search-texts.ts";

/** Messages of the large conversation; fewer to try it out. */
const MESSAGES = Number(process.env["BENCH_SEARCH_MESSAGES"] ?? 100_000);
const CONVERSATIONS = 200;
const MESSAGES_EACH = Math.min(1_000, MESSAGES);
/** Calls of conversations at a time, as the edge makes them. */
const AT_ONCE = 32;
/** Requests for one figure, the median. */
const TIMES = 15;
/** Requests of one conversation before those: just-in-time compilation has the same time everywhere. */
const WARM_UP = 100;

const P50 = "p50";
const ROWS = "rows read";
const FAILED = "conversations that did not answer in time";
const FTS5 = "FTS5 in Node";
const LIKE = "LIKE in Node";
/** What any request to the conversation takes, through the platform's local server. */
const NEWEST = "its newest message";

const phrase = PHRASE.join(" ");
/** What is searched: as Parley's users type it, and as FTS5 has it. */
const SEARCHES: Readonly<Record<string, { q: string; by: string; match: string; like: string }>> = {
  "a rare word": { q: RARE, by: "words", match: `${RARE}*`, like: RARE },
  "a common word": { q: COMMON, by: "words", match: `${COMMON}*`, like: COMMON },
  "a phrase": { q: `"${phrase}"`, by: "words", match: `"${phrase}"`, like: phrase },
  Chinese: { q: CHINESE, by: "trigrams", match: `"${CHINESE}"`, like: CHINESE },
  "what is not there": { q: NOTHING, by: "words", match: `${NOTHING}*`, like: NOTHING },
};

/** A conversation that is searched, and by whom. */
interface Searched {
  proxy: CountingProxy;
  conversationId: string;
  token: string;
}

/**
 * Searching one large conversation beside SQLite's FTS5 and LIKE, and 200 conversations beside bare calls of them;
 * and what building the index of the large one takes.
 */
export async function searching(
  proxies: Record<string, CountingProxy>,
  node?: Subject,
): Promise<Case[]> {
  const texts = searchTexts(MESSAGES);
  if (node) await fillNode(node, texts);
  const large: Record<string, Searched> = {};
  const builds: Case["measures"] = {};
  const pages: Case["measures"] = {};
  for (const [name, proxy] of Object.entries(proxies)) {
    const searched = await seeded(proxy, texts);
    large[name] = searched;
    builds[`${name}, first search`] = () => buildOf(searched);
    Object.assign(pages, await pagesOf(name, proxy));
  }
  const count = MESSAGES.toLocaleString("en");
  return [
    {
      name: `the index of ${count} messages is built`,
      quantities: {
        "first answer": { unit: "ms", goals: [] },
        built: { unit: "ms", goals: [] },
        [ROWS]: { unit: "rows a message", goals: [] },
        "rows written": { unit: "rows a message", goals: [] },
        "longest wait of another call": {
          unit: "ms",
          goals: [{ of: "parley, first search", atMost: 50 }],
        },
      },
      measures: builds,
      rounds: 1,
    },
    ...Object.keys(SEARCHES).flatMap((what) => searchesOf(what, large, texts, node)),
    {
      name: `first page of ${CONVERSATIONS} conversations of ${MESSAGES_EACH.toLocaleString("en")}`,
      quantities: {
        [P50]: {
          unit: "ms",
          goals: [
            { of: "parley, a rare word", atMost: 300 },
            { of: "parley, a common word", atMost: 300 },
          ],
        },
        [FAILED]: { unit: "conversations", goals: [{ of: "parley, a rare word", atMost: 0 }] },
      },
      measures: pages,
    },
  ];
}

function searchesOf(
  what: string,
  large: Record<string, Searched>,
  texts: readonly string[],
  node?: Subject,
): Case[] {
  const search = SEARCHES[what];
  if (!search) return [];
  const times: Case["measures"] = {};
  const rows: Case["measures"] = {};
  for (const [name, searched] of Object.entries(large)) {
    const ask = () => searchOnce(searched, search.q);
    times[name] = async () => ({ [P50]: await warmP50(ask) });
    if (what === "a rare word") {
      const path = `/api/v1/chat/messages?conversationId=${searched.conversationId}&pageSize=1`;
      const read = () => call(searched.proxy.subject, searched.token, "GET", path);
      times[`${name}, ${NEWEST}`] = async () => ({ [P50]: await warmP50(read) });
    }
    rows[name] = async () => {
      const { rowsRead } = await searched.proxy.counting(searched.conversationId, ask);
      return { [ROWS]: rowsRead };
    };
  }
  if (node) {
    const [token] = Object.values(large).map((one) => one.token);
    const ask = (by: string, q: string) => {
      const path = `/search?by=${by}&q=${encodeURIComponent(q)}`;
      return warmP50(() => call(node, token ?? "", "GET", path));
    };
    times[FTS5] = async () => ({ [P50]: await ask(search.by, search.match) });
    times[LIKE] = async () => ({ [P50]: await ask("like", `%${search.like}%`) });
    rows[LIKE] = async () => ({ [ROWS]: rowsOfLike(texts, search.like) });
  }
  const name = `search for ${what} in ${MESSAGES.toLocaleString("en")} messages`;
  const goals = what === "a rare word" && node ? [{ of: "parley", beside: FTS5, atMost: 3 }] : [];
  const rowGoals = node ? [{ of: "parley", beside: LIKE, atMost: 1 }] : [];
  return [
    { name, quantities: { [P50]: { unit: "ms", goals } }, measures: times },
    {
      name,
      quantities: { [ROWS]: { unit: "rows", goals: rowGoals } },
      measures: rows,
      rounds: 1,
    },
  ];
}

/** Who searches has to be a member, whatever finds the messages. */
const ROWS_OF_RIGHTS = 1;

/**
 * Rows that LIKE looks at, newest first, until it has a page of what is searched for, which may not begin within a
 * word; and that of the searcher's membership.
 */
function rowsOfLike(texts: readonly string[], part: string): number {
  const wanted = new RegExp(`(?<![a-z])${part}`);
  const hits = texts.map((text, index) => (wanted.test(text) ? index : -1)).filter((i) => i >= 0);
  const last = hits.at(-20);
  return ROWS_OF_RIGHTS + (last === undefined ? texts.length : texts.length - last);
}

async function searchOnce({ proxy, conversationId, token }: Searched, q: string): Promise<number> {
  const path = `/api/v1/chat/messages/search?conversationId=${conversationId}&q=${encodeURIComponent(q)}`;
  const { hits } = JSON.parse(await call(proxy.subject, token, "GET", path));
  return hits.length;
}

async function p50(action: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < TIMES; i++) {
    const began = performance.now();
    await action();
    times.push(performance.now() - began);
  }
  return median(times);
}

async function warmP50(action: () => Promise<unknown>): Promise<number> {
  for (let i = 0; i < WARM_UP; i++) await action();
  return p50(action);
}

/** A conversation with these texts. */
async function seeded(proxy: CountingProxy, texts: readonly string[]): Promise<Searched> {
  const { conversationId, tokens } = await parleyGroup(proxy.subject, 3);
  await proxy.run(conversationId, textsSql(texts, "seed-000001"));
  return { proxy, conversationId, token: tokens[0] ?? "" };
}

/** From the first search, which has the index built, until that has all messages. */
async function buildOf({ proxy, conversationId, token }: Searched) {
  const covered = async () => {
    const rows = await proxy.rows(
      conversationId,
      "SELECT name FROM sqlite_master WHERE name = 'search_index'",
    );
    if (!Array.isArray(rows) || rows.length === 0) return 0;
    const all = await proxy.rows(conversationId, "SELECT covered FROM search_index");
    return Array.isArray(all) ? Number(all[0]?.covered) : 0;
  };
  const sum = { [ROWS]: 0, "rows written": 0 };
  const count = async () => {
    const { rowsRead, rowsWritten } = await proxy.counts(conversationId);
    sum[ROWS] += rowsRead / MESSAGES;
    sum["rows written"] += rowsWritten / MESSAGES;
  };
  await proxy.counts(conversationId);
  const began = performance.now();
  await searchOnce({ proxy, conversationId, token }, NOTHING);
  const answered = performance.now() - began;
  let longest = 0;
  while ((await covered()) < MESSAGES) {
    if (performance.now() - began > 300_000) throw new Error("the index is not built");
    await count();
    for (let i = 0; i < 20; i++) {
      const called = performance.now();
      await proxy.callOnce(conversationId);
      longest = Math.max(longest, performance.now() - called);
    }
  }
  const built = performance.now() - began;
  await count();
  await proxy.counting(conversationId, () => sleep(0));
  return {
    "first answer": answered,
    built,
    ...sum,
    "longest wait of another call": longest,
  };
}

/** Searches of many conversations by one person, and as many calls that do nothing. */
async function pagesOf(name: string, proxy: CountingProxy): Promise<Case["measures"]> {
  const { subject } = proxy;
  const [me, other, third] = ["searcher", "searched-1", "searched-2"];
  const token = await signedFor(me);
  for (const userId of [me, other, third]) {
    await call(subject, await signedFor(userId), "GET", "/api/v1/chat/conversations");
  }
  const ids: string[] = [];
  const rest = Array.from({ length: CONVERSATIONS }, (_, i) => i);
  const creating = async () => {
    for (let i = rest.pop(); i !== undefined; i = rest.pop()) {
      const group = { title: `Searched ${i}`, participantIds: [other, third] };
      const made = await call(subject, token, "POST", "/api/v1/chat/conversations/group", group);
      const { conversationId } = JSON.parse(made);
      await proxy.run(conversationId, textsSql(searchTexts(MESSAGES_EACH, i + 2), other));
      // Lists know of this one.
      const sent = { conversationId, content: "the last message" };
      await call(subject, token, "POST", "/api/v1/chat/messages", sent);
      ids.push(conversationId);
    }
  };
  await Promise.all(Array.from({ length: 8 }, creating));
  const pages = (q: string) => async () => {
    let failed = 0;
    const path = `/api/v1/chat/messages/search?q=${q}`;
    const figure = await p50(async () => {
      const page = JSON.parse(await call(subject, token, "GET", path));
      if (page.hits.length !== 20 && !page.incomplete) throw new Error(`no page of ${q}`);
      failed += page.failed.length;
    });
    return { [P50]: figure, [FAILED]: failed };
  };
  return {
    [`${name}, a rare word`]: pages(RARE),
    [`${name}, a common word`]: pages(COMMON),
    [`${name}, ${CONVERSATIONS} bare calls`]: async () => ({
      [P50]: await p50(() => proxy.callAll(ids, AT_ONCE)),
      [FAILED]: 0,
    }),
  };
}

async function fillNode(node: Subject, texts: readonly string[]): Promise<void> {
  for (let start = 0; start < texts.length; start += 2_000) {
    const rows = texts.slice(start, start + 2_000).map((text, i) => [start + i + 1, text]);
    await call(node, "", "PUT", "/texts", rows);
  }
}
