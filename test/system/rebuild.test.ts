import { readdir } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cleanUp, run, type Server, startServer, temporaryFolder, tokenFor } from "./server.ts";

/** `npm run rebuild` against a running server and, for the list of objects, a stand-in of Cloudflare. */

let server: Server;
let folder: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  server = await startServer(folder);
  const headers = {
    Authorization: `Bearer ${await tokenFor("alice")}`,
    "Content-Type": "application/json",
  };
  for (const name of ["One", "Two", "Three"]) {
    const body = JSON.stringify({ name, isPublic: true });
    const channels = `${server.address}/api/v1/chat/channels`;
    expect((await fetch(channels, { method: "POST", headers, body })).status).toBe(201);
  }
});
afterAll(cleanUp);

async function rebuild(role: string, ...options: string[]): Promise<string> {
  const token = `PARLEY_TOKEN=${await tokenFor("operator", "--role", role)}`;
  const command = ["npm", "run", "-s", "rebuild", "--", server.address, ...options];
  return run("env", token, "CLOUDFLARE_API_TOKEN=secret", ...command);
}

test("goes over all that D1 knows and says how far it is", async () => {
  expect((await rebuild("admin")).split("\n")).toEqual(["3 of 3", "done"]);
});

test("goes over all objects that Cloudflare lists, page by page", async () => {
  const objects = (await readdir(folder, { recursive: true }))
    .map((path) => /Conversation\/([0-9a-f]{64})\.sqlite$/.exec(path)?.[1])
    .filter((id) => id !== undefined);
  expect(objects).toHaveLength(3);
  const asked: unknown[] = [];
  const cloudflare = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://cloudflare");
    asked.push([pathname, searchParams.get("cursor"), request.headers.authorization]);
    const from = Number(searchParams.get("cursor") ?? 0);
    const result = objects.slice(from, from + 2).map((id) => ({ id, hasStoredData: true }));
    const cursor = from + 2 < objects.length ? String(from + 2) : "";
    response.end(JSON.stringify({ success: true, result, result_info: { cursor } }));
  });
  await new Promise<void>((resolve) => cloudflare.listen(0, resolve));
  const address = `http://localhost:${(cloudflare.address() as AddressInfo).port}`;
  const options = ["--objects", "account/space", "--cloudflare", address];
  const output = await rebuild("admin", ...options).finally(() => cloudflare.close());
  expect(output.split("\n")).toEqual(["2 objects", "3 objects", "done"]);
  const path = "/accounts/account/workers/durable_objects/namespaces/space/objects";
  expect(asked).toEqual([
    [path, null, "Bearer secret"],
    [path, "2", "Bearer secret"],
  ]);
});

test("fails, and says why, without an admin's token or an address", async () => {
  await expect(rebuild("support")).rejects.toMatchObject({
    stderr: expect.stringContaining("403"),
  });
  await expect(run("npm", "run", "-s", "rebuild")).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining("usage: PARLEY_TOKEN"),
  });
});

test("npm run deploy does nothing until wrangler.toml names a database", async () => {
  await expect(run("npm", "run", "-s", "deploy")).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining("docs/operations.md"),
  });
});
