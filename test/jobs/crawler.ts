import { listDurableObjectIds, runInDurableObject } from "cloudflare:test";
import { env, exports } from "cloudflare:workers";
import { type Caller, ORIGIN } from "../support.ts";

/** Looks at everything there is: each row of each object, D1, R2, and what every door answers. */

/** Where a text was found, and what was there. */
export type Found = `${string}: ${string}`;

const NAMESPACES = ["CONVERSATIONS", "INBOXES", "SOCKETIO", "SIGNALR", "JOBS"] as const;

/** Every place that contains one of the texts. */
export async function crawl(needles: readonly string[]): Promise<Found[]> {
  const found: Found[] = [];
  const look = (place: string, content: string) => {
    const needle = needles.find((one) => content.includes(one));
    if (needle !== undefined) found.push(`${place}: ${needle} in ${content.slice(0, 300)}`);
  };
  for (const name of NAMESPACES) {
    const namespace = env[name];
    for (const id of await listDurableObjectIds(namespace)) {
      const rows = await rowsIn(namespace, id);
      for (const [table, row] of rows) look(`${name}.${table}`, row);
    }
  }
  for (const [table, row] of await rowsOfDirectory()) look(`D1.${table}`, row);
  for (const [key, content] of await filesIn()) look(`R2.${key}`, content);
  return found;
}

async function rowsIn(
  namespace: (typeof env)[(typeof NAMESPACES)[number]],
  id: DurableObjectId,
): Promise<[string, string][]> {
  return await runInDurableObject(namespace.get(id), async (_, { storage }) => {
    const tables = storage.sql
      .exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'")
      .toArray()
      .filter(({ name }) => !name.startsWith("_cf_") && !name.startsWith("sqlite_"));
    const rows = tables.flatMap(({ name }) =>
      storage.sql
        .exec(`SELECT * FROM "${name}"`)
        .toArray()
        .map((row): [string, string] => [name, textOf(row)]),
    );
    for (const [key, value] of await storage.list()) rows.push(["kv", key + JSON.stringify(value)]);
    return rows;
  });
}

async function rowsOfDirectory(): Promise<[string, string][]> {
  const { results } = await env.DB.prepare(
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'
       AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name <> 'd1_migrations'`,
  ).all<{ name: string }>();
  const all: [string, string][] = [];
  for (const { name } of results) {
    const rows = await env.DB.prepare(`SELECT * FROM ${name}`).all();
    for (const row of rows.results) all.push([name, textOf(row)]);
  }
  return all;
}

async function filesIn(): Promise<[string, string][]> {
  const { objects } = await env.FILES.list({ include: ["customMetadata", "httpMetadata"] });
  const files: [string, string][] = [];
  for (const { key, customMetadata, httpMetadata } of objects) {
    const object = await env.FILES.get(key);
    const text = new TextDecoder("latin1").decode(await object?.arrayBuffer());
    files.push([key, key + JSON.stringify([customMetadata, httpMetadata]) + text]);
  }
  return files;
}

/** A row with its JSON as it is, and its blobs as Latin-1. */
function textOf(row: Record<string, unknown>): string {
  return Object.entries(row)
    .map(([column, value]) => {
      const isBlob = value instanceof ArrayBuffer;
      return `${column}=${isBlob ? new TextDecoder("latin1").decode(value) : String(value)}`;
    })
    .join(" | ");
}

const document: { paths: Record<string, Record<string, { parameters?: Parameter[] }>> } = await (
  await exports.default.fetch(`${ORIGIN}/openapi.json`)
).json();

interface Parameter {
  name: string;
  in: string;
  required?: boolean;
}

/** What the parameters of routes may be. */
export interface Ids {
  conversations: readonly string[];
  messages: readonly string[];
  users: readonly string[];
  /** Texts to search for. */
  texts: readonly string[];
}

/** What every `GET` of the reference answers to some callers that contains one of the texts. */
export async function askEveryDoor(
  callers: readonly Caller[],
  ids: Ids,
  needles: readonly string[],
): Promise<{ found: Found[]; answered: number }> {
  const found: Found[] = [];
  let answered = 0;
  for (const path of pathsWith(ids)) {
    for (const caller of callers) {
      const response = await exports.default.fetch(ORIGIN + path, {
        headers: { Authorization: `Bearer ${caller.token}` },
        redirect: "manual",
      });
      const text = await response.text();
      if (response.status < 300) answered++;
      // What was asked for may be said again where it is refused.
      const said = response.status < 300 ? text : "";
      const needle = needles.find((one) => said.includes(one));
      if (needle !== undefined) found.push(`GET ${path}: ${needle} in ${said.slice(0, 300)}`);
    }
  }
  return { found, answered };
}

function pathsWith({ conversations, messages, users, texts }: Ids): string[] {
  return Object.entries(document.paths).flatMap(([path, methods]) => {
    const { parameters } = methods["get"] ?? {};
    if (!methods["get"] || path.includes("{key}") || path.startsWith("/live")) return [];
    const ofQuery = (parameters ?? []).filter((one) => one.in === "query");
    let paths = [path];
    const each = (name: string, values: readonly string[]) => {
      if (!paths.some((one) => one.includes(`{${name}}`))) return;
      paths = paths.flatMap((one) =>
        values.map((value) => one.replace(`{${name}}`, encodeURIComponent(value))),
      );
    };
    each("id", path.includes("/users/") ? users : conversations);
    each("conversationId", conversations);
    each("messageId", messages);
    each("userId", users);
    const has = (name: string) => ofQuery.some((one) => one.name === name);
    const queries: string[][] = [];
    if (has("conversationId")) queries.push(conversations.map((id) => `conversationId=${id}`));
    if (has("q")) queries.push(texts.map((text) => `q=${encodeURIComponent(text)}`));
    if (has("query")) queries.push(texts.map((text) => `query=${encodeURIComponent(text)}`));
    if (has("state")) queries.push(["state=open", "state=claimed", "state=resolved"]);
    if (has("ids")) queries.push([`ids=${users.map(encodeURIComponent).join()}`]);
    const combined = queries.reduce<string[]>(
      (before, next) =>
        before.length === 0 ? next : before.flatMap((one) => next.map((two) => `${one}&${two}`)),
      [],
    );
    if (combined.length === 0) return paths;
    return paths.flatMap((one) => combined.map((query) => `${one}?${query}`));
  });
}
