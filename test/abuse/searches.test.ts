import { expect, test } from "vitest";
import { directPair, person } from "../support.ts";

/** How often a person may search: messages, people and channels together. */

const KINDS = [
  "/api/v1/chat/messages/search?q=apple",
  "/api/chat/search?q=apple",
  "/api/users?q=apple",
  "/api/users/?q=apple",
  "/api/v1/chat/messages/search/?q=apple",
  "/api/v1/chat/channels/search?q=apple",
];

test("30 a minute and person, over all that can be searched; other reads go on", async () => {
  const { alice, bob, conversationId } = await directPair();
  const admin = await person("admin", { role: "admin" });
  let allowed = 0;
  for (const path of KINDS) {
    let answer = await alice.get(path);
    // A new minute may begin in between.
    for (; answer.status === 200 && allowed < 120; allowed++) answer = await alice.get(path);
    expect(answer, path).toMatchObject({
      status: 429,
      body: { code: "rate_limited", limit: "searches_per_minute" },
    });
    expect(answer.headers.get("Retry-After")).toBe("60");
    expect((await bob.get(path)).status).toBe(200);
    for (let i = 0; i < 10; i++) expect((await admin.get(path)).status).toBe(200);
  }
  expect(allowed).toBeGreaterThanOrEqual(30);
  const history = await alice.get(`/api/v1/chat/messages?conversationId=${conversationId}`);
  expect(history.status).toBe(200);
  expect((await alice.get(`/api/users?ids=${bob.userId}`)).status).toBe(200);
});
