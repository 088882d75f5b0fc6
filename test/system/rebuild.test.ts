import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { run } from "./server.ts";

/**
 * `npm run rebuild` with fake servers of Parley and of Cloudflare's API, which send rare answers;
 * reference.ts runs it with a real Parley.
 */

interface Call {
  path: string;
  authorization: string | undefined;
  body: { ids?: string[]; cursor?: string | null; resume?: boolean };
}

let calls: Call[] = [];
/** Parley's next answers, in order. */
let answers: { status?: number; body: object }[] = [];
let stand: Server;
let address: string;

beforeAll(async () => {
  stand = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://stand-in");
    const text = (await request.toArray()).join("");
    const { authorization } = request.headers;
    calls.push({ path: request.url ?? "", authorization, body: text ? JSON.parse(text) : {} });
    if (pathname.startsWith("/accounts")) {
      const second = searchParams.get("cursor") === "next";
      const result = second ? [{ id: "c" }] : [{ id: "a" }, { id: "b", hasStoredData: false }];
      response.end(JSON.stringify({ result, result_info: { cursor: second ? "" : "next" } }));
      return;
    }
    const { status = 200, body } = answers.shift() ?? { status: 500, body: {} };
    response.writeHead(status, { "Retry-After": "1" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => stand.listen(0, resolve));
  address = `http://localhost:${(stand.address() as AddressInfo).port}`;
});
beforeEach(() => {
  calls = [];
});
afterAll(() => stand.close());

function step(more: object) {
  const nothing = { rebuilt: 1, unfinished: [], failed: [], cursor: null };
  return { body: { ...nothing, progress: { seen: 1, of: 1 }, ...more } };
}

function rebuild(...options: string[]): Promise<string> {
  const tokens = ["PARLEY_TOKEN=ours", "CLOUDFLARE_API_TOKEN=theirs"];
  return run("env", ...tokens, process.execPath, "src/cli/rebuild.ts", ...options);
}

test("follows the cursor, waits on 429, and continues unfinished conversations", async () => {
  const unfinished = [{ conversationId: "large", rev: 9, projectedRev: 5 }];
  answers = [
    step({ cursor: "next", progress: { seen: 50, of: 60 }, unfinished }),
    { status: 429, body: {} },
    step({ progress: { seen: 60, of: 60 } }),
    step({}),
  ];
  const output = await rebuild(address);
  expect(output.split("\n")).toEqual(["50 of 60", "60 of 60", "1 large ones continue", "done"]);
  expect(calls.map(({ body }) => body)).toEqual([
    { cursor: null },
    { cursor: "next" },
    { cursor: "next" },
    { ids: ["large"], resume: true },
  ]);
  expect(calls[0]).toMatchObject({ path: "/api/admin/rebuild", authorization: "Bearer ours" });
});

test("rebuilds the objects that Cloudflare lists, page by page, and fails if one failed", async () => {
  answers = [step({}), step({ failed: [{ id: "c", reason: "unavailable" }] })];
  const objects = ["--objects", "account/space", "--cloudflare", address];
  await expect(rebuild(address, ...objects)).rejects.toMatchObject({
    code: 1,
    stdout: "1 objects\n2 objects\ndone, but for 1 that failed\n",
    stderr: "c: unavailable\n",
  });
  const list = "/accounts/account/workers/durable_objects/namespaces/space/objects?limit=1000";
  expect(calls.map(({ path, authorization, body }) => [path, authorization, body.ids])).toEqual([
    [list, "Bearer theirs", undefined],
    ["/api/admin/rebuild", "Bearer ours", ["a"]],
    [`${list}&cursor=next`, "Bearer theirs", undefined],
    ["/api/admin/rebuild", "Bearer ours", ["c"]],
  ]);
});

test("prints its usage when called without arguments", async () => {
  await expect(rebuild()).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining("usage: PARLEY_TOKEN"),
  });
});

test("npm run deploy does nothing until wrangler.toml has a database and a PUBLIC_URL", async () => {
  const deploy = (...options: string[]) => run(process.execPath, "src/cli/deploy.ts", ...options);
  const hint = "see docs/operations.md, Setting up.\n";
  const database = `wrangler.toml names no database yet: ${hint}`;
  const stderr = `${database}wrangler.toml has no PUBLIC_URL yet: ${hint}`;
  await expect(deploy()).rejects.toMatchObject({ code: 1, stderr });
  const named = deploy("--var", "PUBLIC_URL:https://chat.example");
  await expect(named).rejects.toMatchObject({ code: 1, stderr: database });
});
