import { afterAll, beforeAll, expect, test } from "vitest";
import { Live } from "./client.ts";
import { startProduction } from "./production.ts";
import { cleanUp, type Server, temporaryFolder } from "./server.ts";
import { signedFor } from "./token.ts";

/** The settings of README.md, given to the bundle that would be deployed: what each of them changes. */

const SETTINGS = {
  ...{ MESSAGES_PER_MINUTE_MARKETPLACE: 2, MESSAGES_PER_MINUTE_UNIHUB: 3 },
  ...{ MAX_LENGTH_MARKETPLACE: 7, MAX_LENGTH_UNIHUB: 5 },
  EDIT_WINDOW_MINUTES: 0.001,
  PUBLIC_URL: "https://chat.example/",
  USER_DIRECTORY: "open",
  REQUEST_LIMITS: "off",
};
const UNIHUB = "/api/v1/chat";

let server: Server;
let alice: { userId: string; token: string };

beforeAll(async () => {
  const variables = Object.entries(SETTINGS).flatMap(([name, value]) => [
    "--var",
    `${name}:${value}`,
  ]);
  server = await startProduction(await temporaryFolder(), ...variables);
  alice = { userId: "alice", token: await signedFor("alice") };
});
afterAll(cleanUp);

async function call(method: string, path: string, body: object) {
  const answer = await fetch(server.address + path, {
    method,
    headers: {
      Authorization: `Bearer ${alice.token}`,
      ...(!(body instanceof FormData) && { "Content-Type": "application/json" }),
    },
    body: body instanceof FormData ? body : JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}

let strangers = 0;
/** A conversation with an unknown user, which `USER_DIRECTORY` allows. */
async function createdBy(api: "unihub" | "marketplace"): Promise<string> {
  const other = `stranger-${++strangers}`;
  const { status, body } = await (api === "unihub"
    ? call("POST", `${UNIHUB}/conversations/direct`, { otherUserId: other })
    : call("POST", "/api/chat", { participantIds: [other] }));
  expect(status).toBe(201);
  return body.conversationId ?? body.data.chat._id;
}

/** The answer to a text sent with an API: its status, and the code of a refusal. */
async function sent(api: "unihub" | "marketplace", id: string, content: string) {
  const { status, body } = await (api === "unihub"
    ? call("POST", `${UNIHUB}/messages`, { conversationId: id, content })
    : call("POST", `/api/chat/${id}/messages`, { content }));
  return body.code ? [status, body.code] : [status];
}

test("MAX_LENGTH_*: over REST the limit of the API, over a socket that of the conversation's creating API", async () => {
  const [ours, theirs] = [await createdBy("unihub"), await createdBy("marketplace")];
  const tooLong = [400, "content_too_long"];
  expect(await sent("unihub", ours, "x".repeat(5))).toEqual([201]);
  expect(await sent("unihub", theirs, "x".repeat(6))).toEqual(tooLong);
  expect(await sent("marketplace", ours, "x".repeat(7))).toEqual([201]);
  expect(await sent("marketplace", theirs, "x".repeat(8))).toEqual(tooLong);
  for (const [id, most] of [
    [ours, 5],
    [theirs, 7],
  ] as const) {
    const live = await Live.open(server.address, id, alice);
    expect(live.all("hello")[0]?.limits.contentLength).toBe(most);
    live.send("x".repeat(most), "fits");
    await live.until(() => live.all("ack").length === 1);
    live.send("x".repeat(most + 1), "over");
    await expect(live.until(() => live.all("ack").length === 2)).rejects.toThrow(tooLong[1]);
    live.close();
  }
});

test("MESSAGES_PER_MINUTE_*: the limit of the conversation's creating API, for both APIs", async () => {
  for (const [api, most] of [
    ["unihub", 3],
    ["marketplace", 2],
  ] as const) {
    const id = await createdBy(api);
    const live = await Live.open(server.address, id, alice);
    expect(live.all("hello")[0]?.limits.messagesPerMinute).toBe(most);
    live.close();
    for (let i = 0; i < most; i++) expect(await sent("unihub", id, `${i}`)).toEqual([201]);
    expect(await sent("unihub", id, "more")).toEqual([429, "rate_limited"]);
    expect(await sent("marketplace", id, "more")).toEqual([429, "rate_limited"]);
  }
});

test("EDIT_WINDOW_MINUTES: edits are allowed for this time, and then refused", async () => {
  const id = await createdBy("marketplace");
  const live = await Live.open(server.address, id, alice);
  expect(live.all("hello")[0]?.limits.editWindowMs).toBe(60);
  live.close();
  const { body } = await call("POST", `/api/chat/${id}/messages`, { content: "first" });
  const path = `/api/chat/${id}/messages/${body.data.message._id}`;
  let answer = { status: 200, body: { code: "" } };
  while (answer.status === 200) answer = await call("PUT", path, { content: "second" });
  expect([answer.status, answer.body.code]).toEqual([400, "edit_window_closed"]);
});

test("PUBLIC_URL: links begin with it, over REST and sockets, and can be sent and downloaded", async () => {
  const conversationId = await createdBy("unihub");
  const live = await Live.open(server.address, conversationId, alice);
  const form = new FormData();
  form.set("file", new Blob(["what is in it"]), "a.txt");
  const { body: file } = await call("POST", `${UNIHUB}/messages/upload`, form);
  const link = /^https:\/\/chat\.example\/uploads\/chat\/[\w-]+\.txt\?/;
  expect(file.fileUrl).toMatch(link);
  const { fileName, fileUrl, fileSize, contentType: mimeType } = file;
  const attachments = [{ fileName, fileUrl, fileSize, mimeType }];
  const message = { conversationId, attachments };
  expect((await call("POST", `${UNIHUB}/messages/with-attachments`, message)).status).toBe(201);
  await live.until(() => live.heard().length === 1);
  live.close();
  const heard = live.heard()[0]?.attachments[0]?.url ?? "";
  expect(heard).toMatch(link);
  const { pathname, search } = new URL(heard);
  const served = await fetch(server.address + pathname + search);
  expect(await served.text()).toBe("what is in it");
});
