import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { OpenConversation } from "../../src/conversation/open.ts";
import { conversationOf } from "../../src/conversation/stub.ts";
import { fetchWith } from "../rest/requests.ts";
import { type Caller, directPair } from "../support.ts";
import {
  asAttachment,
  FORM_HEADERS,
  formOf,
  keyOf,
  rowOf,
  sendUploads,
  upload,
} from "./support.ts";

/** How often sending files calls the conversation's object, and what happens when a call is lost. */

afterEach(() => vi.restoreAllMocks());

type Call = (...parameters: unknown[]) => Promise<unknown>;

/** The objects, with a record of their calls; `replaced` stands in for one of their methods. */
function recorded(replaced: (method: string, call: Call) => Call = (_, call) => call) {
  const calls: string[] = [];
  const getByName = (name: string) =>
    new Proxy(env.CONVERSATIONS.getByName(name), {
      get(stub, property) {
        const target = stub as unknown as Record<string, Call>;
        const method = String(property);
        return (...parameters: unknown[]) => {
          calls.push(method);
          const call: Call = (...given) => target[method]?.(...given) ?? Promise.resolve();
          return replaced(method, call)(...parameters);
        };
      },
    });
  return { calls, CONVERSATIONS: { getByName } };
}

function request(caller: Caller, body: BodyInit, headers: Record<string, string>): RequestInit {
  return { method: "POST", body, headers: { Authorization: `Bearer ${caller.token}`, ...headers } };
}

async function uploaded(more = {}) {
  const { alice, bob, conversationId } = await directPair();
  const file = await upload(alice, "a.txt", "hello");
  const body = JSON.stringify({ conversationId, attachments: [asAttachment(file)], ...more });
  const init = request(alice, body, { "Content-Type": "application/json" });
  return { alice, bob, conversationId, file, key: keyOf(file.body.fileUrl), init };
}

const WITH = "/api/v1/chat/messages/with-attachments";

async function countOf(caller: Caller, conversationId: string): Promise<number> {
  const { body } = await caller.get(`/api/v1/chat/messages?conversationId=${conversationId}`);
  return body.totalCount;
}

test("uploads are sent in one call of the object", async () => {
  const { init } = await uploaded();
  const { calls, CONVERSATIONS } = recorded();
  expect((await fetchWith({ CONVERSATIONS }, WITH, init)).status).toBe(201);
  expect(calls).toEqual(["sendWithFiles"]);
});

test.each([
  ["a new one", false],
  ["a retry", true],
])(
  "a form with a file: one question before its bytes, and one call that sends: %s",
  async (_, isRetry) => {
    const { alice, conversationId } = await directPair();
    const path = `/api/chat/${conversationId}/messages/file`;
    const send = (changes: object) => {
      const form = formOf({ name: "file", filename: "a.txt", content: "hello" });
      const headers = { ...FORM_HEADERS, "Idempotency-Key": "k1" };
      return fetchWith({ ...changes }, path, request(alice, form, headers));
    };
    if (isRetry) expect((await send({})).status).toBe(201);
    const { calls, CONVERSATIONS } = recorded();
    const answer = await send({ CONVERSATIONS });
    expect([answer.status, answer.body.data.deduplicated]).toEqual([201, isRetry || undefined]);
    expect(calls).toEqual(["precheck", "sendWithFiles"]);
  },
);

test("an object of a version without the call is unavailable, and its file can still be sent", async () => {
  const { alice, conversationId, file, key, init } = await uploaded();
  const { CONVERSATIONS } = recorded((method) => () => {
    return Promise.reject(
      new TypeError(`The RPC receiver does not implement the method "${method}".`),
    );
  });
  const answer = await fetchWith({ CONVERSATIONS }, WITH, init);
  expect([answer.status, answer.body.code]).toEqual([503, "unavailable"]);
  expect(answer.headers.get("Retry-After")).toBe("1");
  expect(await rowOf(key)).toMatchObject({ claim: null, sent_to: null });
  expect((await sendUploads(alice, conversationId, [file])).status).toBe(201);
});

/** Calls the object itself, which alone cannot reach D1: statements that `fails` picks throw. */
async function sendWhile(fails: (sql: string) => boolean, declaredSize: number) {
  const sent = await uploaded();
  const { alice, conversationId, key } = sent;
  const prepare = env.DB.prepare.bind(env.DB);
  vi.spyOn(env.DB, "prepare").mockImplementation((sql) => {
    if (fails(sql)) throw new Error("D1_ERROR: down");
    return prepare(sql);
  });
  const { result } = await conversationOf(env, conversationId).sendWithFiles(
    { userId: alice.userId, name: null, avatarUrl: null, role: "user", reach: "member" },
    { type: "send", kind: "text", maxLength: 2_000 },
    {
      files: [{ key, declared: { name: "a.txt", size: declaredSize, mimeType: "text/plain" } }],
      claim: crypto.randomUUID(),
    },
    { wait: false, readers: false },
  );
  vi.restoreAllMocks();
  return { ...sent, code: result.ok ? "sent" : result.error.code };
}

test("while D1 cannot be reached nothing is sent, and afterwards the file can be", async () => {
  const { alice, conversationId, file, code } = await sendWhile(() => true, 5);
  expect(code).toBe("unavailable");
  expect(await countOf(alice, conversationId)).toBe(0);
  expect((await sendUploads(alice, conversationId, [file])).status).toBe(201);
});

test("a refusal whose release fails is still the refusal, and the file is free ten seconds later", async () => {
  const releases = (sql: string) =>
    /^update "uploads" set "claim" = \?/i.test(sql) && !/stored_at/.test(sql);
  const { alice, conversationId, file, key, code } = await sendWhile(releases, 6);
  expect(code).toBe("file_mismatch");
  expect((await rowOf(key))?.claim).not.toBeNull();
  expect((await sendUploads(alice, conversationId, [file])).body.code).toBe("attachments_busy");
  await env.DB.prepare("UPDATE uploads SET claimed_at = claimed_at - 10000 WHERE key = ?")
    .bind(key)
    .run();
  expect((await sendUploads(alice, conversationId, [file])).status).toBe(201);
});

test("a call that is lost on its way is repeated at once, and the lost one never sends", async () => {
  const { alice, conversationId, init } = await uploaded({ clientMessageId: "k1" });
  const submit = OpenConversation.prototype.submit;
  const reached = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const late = Promise.withResolvers<void>();
  vi.spyOn(OpenConversation.prototype, "submit").mockImplementationOnce(function (
    this: OpenConversation,
    ...args
  ) {
    reached.resolve();
    void held.promise.then(() => submit.apply(this, args)).then(late.resolve);
  });
  let isFirst = true;
  const { CONVERSATIONS } = recorded((_, call) => async (...parameters) => {
    if (!isFirst) return call(...parameters);
    isFirst = false;
    void call(...parameters).catch(() => undefined);
    await reached.promise;
    throw Object.assign(new Error("network connection lost"), { retryable: true });
  });
  const answer = await fetchWith({ CONVERSATIONS }, WITH, init);
  expect([answer.status, answer.body.deduplicated]).toEqual([201, undefined]);
  held.resolve();
  await late.promise;
  expect(await countOf(alice, conversationId)).toBe(1);
});

test("what a repeated call refuses, the one before cannot send any more", async () => {
  const { alice, conversationId, key } = await uploaded();
  await env.DB.prepare("UPDATE uploads SET claim = 'another', claimed_by = ?, claimed_at = ?")
    .bind(conversationId, Date.now())
    .run();
  const stub = conversationOf(env, conversationId);
  const actor = { userId: alice.userId, name: null, avatarUrl: null } as const;
  const sender = { ...actor, role: "user", reach: "member" } as const;
  const command = { type: "send", kind: "text", maxLength: 2_000 } as const;
  const options = { wait: false, readers: false };
  const files = { files: [{ key }], claim: "second", earlierClaims: ["first"] };
  const repeated = await stub.sendWithFiles(sender, command, files, options);
  expect(repeated.result).toMatchObject({ error: { code: "attachments_busy" } });
  const attachments = [{ key, name: "a.txt", mimeType: "text/plain", size: 5 }];
  const first = await stub.submit(sender, { ...command, claim: "first", attachments }, options);
  expect(first.result).toMatchObject({ error: { code: "unknown_attachments" } });
});

test("a file that is still reserved by a lost call is not busy, and goes with the repeated one only", async () => {
  const { alice, conversationId, file, key, init } = await uploaded({ clientMessageId: "k1" });
  vi.spyOn(OpenConversation.prototype, "submit").mockImplementationOnce(() => {
    throw new Error("the object crashed");
  });
  const { CONVERSATIONS } = recorded(
    (_, call) =>
      (...parameters) =>
        call(...parameters).catch((error: unknown) => {
          throw Object.assign(new Error(String(error)), { retryable: true });
        }),
  );
  expect((await fetchWith({ CONVERSATIONS }, WITH, init)).status).toBe(201);
  expect(await rowOf(key)).toMatchObject({ sent_to: conversationId, sent_number: 1 });
  const again = await sendUploads(alice, conversationId, [file]);
  expect(again.body.code).toBe("unknown_attachments");
});
