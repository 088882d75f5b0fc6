import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { directPair, fetchJson, objectOf, person, send } from "../support.ts";
import { CONVERSATIONS, fetchWith, MESSAGES, page, raw } from "./requests.ts";

/** What operators use: log events, headers, and the jurisdiction of conversations. */

afterEach(() => {
  vi.restoreAllMocks();
});

test("every event is one JSON object; a refusal has user, code, reason and request id", async () => {
  const { alice, conversationId } = await directPair();
  const stranger = await person("stranger");
  const log = vi.spyOn(console, "log").mockReturnValue();
  const logged = () => log.mock.calls.map(([line]) => JSON.parse(String(line)));
  const answer = await page(stranger, conversationId, "&access_token=secret");
  expect(answer.status).toBe(403);
  expect(logged()).toEqual([
    {
      event: "refused",
      requestId: answer.headers.get("X-Request-Id"),
      method: "GET",
      path: MESSAGES,
      status: 403,
      code: "not_a_member",
      userId: stranger.userId,
    },
  ]);
  log.mockClear();
  await send(alice, conversationId, "\u0000 my secret");
  await fetchJson(MESSAGES, raw(alice, "POST", '{"content": "my secret'));
  vi.spyOn(env.DB, "withSession").mockImplementation(() => {
    throw new Error("broken");
  });
  await alice.get(CONVERSATIONS);
  expect(logged().map(({ event, status, code }) => [event, status, code])).toEqual([
    ["refused", 400, "control_characters"],
    ["refused", 400, "malformed_json"],
    ["internal_error", undefined, undefined],
  ]);
  const text = JSON.stringify(logged());
  expect(text).not.toContain("secret");
  expect(text).not.toContain(alice.token);
});

test("Server-Timing has the duration of a request, and its wait for the object", async () => {
  const { alice, conversationId } = await directPair();
  const timing = async (answer: ReturnType<typeof page>) =>
    (await answer).headers.get("Server-Timing");
  expect(await timing(page(alice, conversationId))).toMatch(/^object;dur=\d+, total;dur=\d+$/);
  expect(await timing(alice.get(CONVERSATIONS))).toMatch(/^total;dur=\d+$/);
  const [, object = "", total = ""] =
    /object;dur=(\d+), total;dur=(\d+)/.exec(
      (await timing(send(alice, conversationId, "hello"))) ?? "",
    ) ?? [];
  expect(Number(total)).toBeGreaterThanOrEqual(Number(object));
});

test("with JURISDICTION conversations are addressed only there", async () => {
  const { alice, conversationId } = await directPair();
  const named = vi.fn(() => objectOf(conversationId));
  const jurisdiction = vi.fn(() => ({ getByName: named }));
  const changes = { JURISDICTION: "eu", CONVERSATIONS: { jurisdiction } };
  const query = `${MESSAGES}?conversationId=${conversationId}`;
  expect((await fetchWith(changes, query, raw(alice, "GET"))).status).toBe(200);
  expect(jurisdiction.mock.calls).toEqual([["eu"]]);
  expect(named).toHaveBeenCalledWith(conversationId, undefined);
});
