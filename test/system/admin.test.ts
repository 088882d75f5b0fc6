import { createServer, type Server as StandIn } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { linesOf, tableOf } from "../../src/cli/admin/print.ts";
import { startProduction } from "./production.ts";
import { cleanUp, freePort, Program, run, type Server, temporaryFolder } from "./server.ts";
import { signedFor } from "./token.ts";

/**
 * `npm run admin`: what it sends and prints, with a server that gives rare answers; and the same acts at a real
 * Parley.
 */

interface Call {
  method: string | undefined;
  path: string | undefined;
  body: unknown;
}

let calls: Call[] = [];
/** The next answers, in order. */
let answers: { status?: number; headers?: Record<string, string>; body?: object }[] = [];
let standIn: StandIn;
let address: string;

beforeAll(async () => {
  standIn = createServer(async (request, response) => {
    const text = (await request.toArray()).join("");
    const { method, url, headers } = request;
    expect(headers.authorization).toBe("Bearer ours");
    calls.push({ method, path: url, body: text ? JSON.parse(text) : undefined });
    const { status = 200, headers: more = {}, body } = answers.shift() ?? { status: 500 };
    response.writeHead(status, more).end(body && JSON.stringify(body));
  });
  await new Promise<void>((resolve) => standIn.listen(0, resolve));
  address = `http://localhost:${(standIn.address() as AddressInfo).port}`;
});
beforeEach(() => {
  calls = [];
});
afterAll(async () => {
  standIn.close();
  await cleanUp();
});

function admin(...args: string[]): Promise<string> {
  const server = [`PARLEY_URL=${address}`, "PARLEY_TOKEN=ours"];
  return run("env", ...server, process.execPath, "src/cli/admin.ts", ...args);
}

/** The same with a terminal that something is typed into. */
function asked(...args: string[]): Program {
  return new Program("env", [
    ...[`PARLEY_URL=${address}`, "PARLEY_TOKEN=ours", process.execPath, "src/cli/admin.ts"],
    ...args,
  ]);
}

const JOB = {
  ...{ id: "j1", kind: "export-user", target: "bob", state: "running", done: 0, total: null },
  ...{ result: null, error: null, createdBy: "operator", finishedAt: null },
};

describe("what is sent", () => {
  const job = { status: 202, body: { job: JOB } };
  const page = { body: { items: [] } };
  test.each<[string, Partial<Call>, object]>([
    ["users find bob --limit 5", { method: "GET", path: "/users?q=bob&limit=5" }, page],
    ["users show a/b", { method: "GET", path: "/users/a%2Fb" }, { body: {} }],
    ["users conversations bob", { method: "GET", path: "/users/bob/conversations" }, page],
    [
      "users ban bob --reason spam --until 2027-01-01T00:00:00Z",
      {
        ...{ method: "PUT", path: "/users/bob/ban" },
        body: { reason: "spam", expiresAt: "2027-01-01T00:00:00Z" },
      },
      { status: 204 },
    ],
    ["users unban bob", { method: "DELETE", path: "/users/bob/ban", body: {} }, { status: 204 }],
    [
      "users export bob --reason asked",
      { method: "POST", path: "/users/bob/export", body: { reason: "asked" } },
      job,
    ],
    [
      "users erase bob --messages clear --reason asked --yes",
      {
        ...{ method: "POST", path: "/users/bob/erase" },
        body: { messages: "clear", reason: "asked" },
      },
      job,
    ],
    [
      "users hold bob --reason court",
      { method: "PUT", path: "/users/bob/legal-hold", body: { reason: "court" } },
      job,
    ],
    [
      "conversations find --member bob --title Plans --kind group",
      { method: "GET", path: "/conversations?member=bob&title=Plans&kind=group" },
      page,
    ],
    ["conversations show c1", { method: "GET", path: "/conversations/c1" }, { body: {} }],
    [
      "conversations export c1 --held --reason court",
      {
        ...{ method: "POST", path: "/conversations/c1/export" },
        body: { held: true, reason: "court" },
      },
      job,
    ],
    [
      "conversations delete c1 --reason asked --yes",
      { method: "DELETE", path: "/conversations/c1", body: { reason: "asked" } },
      job,
    ],
    [
      "conversations restore c1 --at 2026-11-27T12:00:00Z --reason mistake --yes",
      {
        ...{ method: "POST", path: "/conversations/c1/restore" },
        body: { at: "2026-11-27T12:00:00Z", reason: "mistake" },
      },
      job,
    ],
    [
      "conversations unhold c1 --reason over --yes",
      { method: "DELETE", path: "/conversations/c1/legal-hold", body: { reason: "over" } },
      { status: 204 },
    ],
    ["holds list", { method: "GET", path: "/legal-holds" }, page],
    [
      "jobs list --state running --kind rebuild --target c1",
      { method: "GET", path: "/jobs?state=running&kind=rebuild&target=c1" },
      page,
    ],
    ["jobs cancel j1", { method: "POST", path: "/jobs/j1/cancel", body: {} }, job],
    ["jobs archive j1", { method: "GET", path: "/jobs/j1/archive" }, { body: { url: "x" } }],
  ])("%s", async (line, call, answer) => {
    answers = [answer];
    await admin(...line.split(" "));
    expect(calls).toEqual([{ body: undefined, ...call, path: `/api/admin${call.path}` }]);
  });
});

describe("what is printed", () => {
  test("tables, and where they go on", async () => {
    const items = [
      { id: "bob", name: "Bob\u001b[31m\u202e", role: "user", devices: 3 },
      { id: "a-longer-id", name: null, role: "admin", devices: 1 },
    ];
    answers = [{ body: { items, next: "n1" } }];
    expect(await admin("users", "find")).toBe(
      [
        "id           name       role",
        "bob          Bob�[31m�  user",
        "a-longer-id  -          admin",
        "there are more: --cursor n1",
      ].join("\n"),
    );
    expect(tableOf([], ["id"])).toEqual(["none"]);
    expect(tableOf([{ id: "x".repeat(100) }], ["id"])[1]).toHaveLength(60);
    expect(linesOf({ a: { b: 1, c: [2] }, d: null })).toEqual(["a.b  1", "a.c  [2]", "d    -"]);
  });

  test("JSON, as it was answered", async () => {
    answers = [{ body: { items: [{ id: "bob", more: 1 }] } }, { status: 204 }];
    expect(JSON.parse(await admin("users", "find", "--json"))).toEqual({
      items: [{ id: "bob", more: 1 }],
    });
    expect(await admin("users", "unban", "bob", "--json")).toBe("null");
  });

  test("a refusal is a sentence with its code, and nothing is sent again", async () => {
    const details = [{ path: "messages", message: "not one of them" }];
    answers = [
      { status: 409, body: { code: "legal_hold", error: "A legal hold stands." } },
      { status: 400, body: { code: "invalid_request", error: "No.", details } },
      { status: 502 },
    ];
    const line = ["users", "erase", "bob", "--messages", "keep", "--reason", "x", "--yes"];
    const refused = (stderr: string) => ({ code: 1, stderr: `${stderr}\n` });
    await expect(admin(...line)).rejects.toMatchObject(
      refused("409 legal_hold: A legal hold stands."),
    );
    await expect(admin(...line)).rejects.toMatchObject(
      refused("400 invalid_request: No.\n  messages: not one of them"),
    );
    await expect(admin(...line)).rejects.toMatchObject(refused("502 "));
    expect(calls).toHaveLength(3);
  });

  test("reading is repeated where the server is busy", async () => {
    const busy = { status: 503, headers: { "Retry-After": "1" }, body: { code: "unavailable" } };
    answers = [busy, { body: { id: "bob" } }];
    expect(await admin("users", "show", "bob")).toBe("id  bob");
  });
});

describe("jobs", () => {
  test("waits for the end of one, and fails if it did", async () => {
    const at = (state: string, done: number) => ({
      body: { job: { ...JOB, state, done, total: 2 } },
    });
    answers = [{ status: 202, ...at("running", 0) }, at("running", 1), at("done", 2)];
    expect(await admin("users", "export", "bob", "--reason", "x", "--wait")).toMatch(
      /^job\.state +done$/m,
    );
    answers = [at("cancelling", 1), at("failed", 1)];
    await expect(admin("jobs", "wait", "j1")).rejects.toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^job\.state +failed$/m),
      stderr: "cancelling: 1 of 2\n",
    });
  });
});

describe("what cannot be undone", () => {
  const line = ["conversations", "delete", "c1", "--reason", "asked"];

  test("is done once the id is typed", async () => {
    answers = [{ status: 202, body: { job: JOB } }];
    const program = asked(...line);
    await program.says(/Type the id to go on/);
    expect(program.output).toContain(`conversations delete c1 at ${address}: deletes everything`);
    program.type("c1");
    expect(await program.ended).toBe(0);
    expect(calls).toHaveLength(1);
  });

  test("and is not, if another one is, or nothing", async () => {
    const program = asked(...line);
    await program.says(/Type the id/);
    program.type("yes");
    expect(await program.ended).toBe(1);
    const silent = asked(...line);
    await silent.says(/Type the id/);
    silent.hangUp();
    expect(await silent.ended).toBe(1);
    expect(silent.output).toContain("Nothing was done");
    expect(calls).toEqual([]);
  });
});

test("the command line", async () => {
  expect(await admin("--help")).toMatch(/^usage: .*npm run admin.*\n\nusers find \[TEXT\]/);
  for (const [line, message] of [
    ["", /is no act/],
    ["users rename bob", /"users rename" is no act/],
    ["users show", /an id is missing/],
    ["users show a b", /too much/],
    ["holds list x", /too much/],
    ["users show bob --messages keep", /--messages is not for this/],
    ["users erase bob --reason x", /--messages is missing: users erase ID --messages clear\|keep/],
    ["users show bob --nonsense", /nonsense/],
    ["users show bob --url localhost", /no address/],
  ] as const) {
    await expect(admin(...line.split(" ").filter(Boolean))).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringMatching(message),
    });
  }
  expect(calls).toEqual([]);
  const nobody = `http://localhost:${await freePort()}`;
  await expect(admin("users", "show", "bob", "--url", nobody)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^Nobody answers/),
  });
});

describe("a real Parley", () => {
  let server: Server;
  let token: string;
  beforeAll(async () => {
    server = await startProduction(await temporaryFolder());
    token = await signedFor("operator", 3_600, { role: "admin" });
  });

  const parley = (...args: string[]) =>
    run(process.execPath, "src/cli/admin.ts", ...args, "--url", server.address, "--token", token);

  test("bans a user, and lifts the ban", async () => {
    const headers = { Authorization: `Bearer ${await signedFor("bob")}` };
    const status = async () =>
      (await fetch(`${server.address}/api/v1/chat/conversations`, { headers })).status;
    expect(await status()).toBe(200);
    expect(await parley("users", "ban", "bob", "--reason", "spam")).toBe("done");
    expect(await status()).toBe(403);
    expect(await parley("users", "unban", "bob")).toBe("done");
    expect(await status()).toBe(200);
  });

  test("finds and shows users, conversations and jobs", async () => {
    const call = (path: string, userId: string, body: object) =>
      signedFor(userId).then((mine) =>
        fetch(server.address + path, {
          method: "POST",
          headers: { Authorization: `Bearer ${mine}`, "Content-Type": "application/json" },
          body: JSON.stringify(body),
        }).then((response) => response.json()),
      );
    for (const userId of ["carol", "dave"]) {
      const signed = await signedFor(userId, 3_600, { name: `The ${userId}` });
      const headers = { Authorization: `Bearer ${signed}` };
      await fetch(`${server.address}/api/v1/chat/conversations`, { headers });
    }
    const direct = "/api/v1/chat/conversations/direct";
    const { conversationId } = await call(direct, "carol", { otherUserId: "dave" });
    await call("/api/v1/chat/messages", "carol", { conversationId, content: "hello" });
    expect(await parley("users", "find", "car")).toMatch(/^id +name.*\ncarol +The carol/);
    expect(await parley("users", "show", "carol")).toMatch(/^counts\.conversations +1$/m);
    expect(await parley("users", "conversations", "carol")).toMatch(
      new RegExp(`membership\\.role.*\n${conversationId} +direct +- +member`),
    );
    expect(await parley("conversations", "find", "--member", "dave")).toContain(conversationId);
    expect(await parley("conversations", "members", conversationId)).toMatch(/^dave +member/m);
    expect(await parley("conversations", "show", conversationId)).toMatch(/^messageCount +1$/m);
    const started = await fetch(`${server.address}/api/admin/jobs`, {
      method: "POST",
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      body: JSON.stringify({ kind: "rebuild" }),
    });
    const { job } = await started.json();
    expect(await parley("jobs", "wait", job.id)).toMatch(/^job\.state +done$/m);
    expect(await parley("jobs", "list", "--kind", "rebuild")).toMatch(
      new RegExp(`^${job.id} +rebuild +- +done`, "m"),
    );
    await expect(parley("jobs", "cancel", job.id)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^409 job_finished/),
    });
  });
});
