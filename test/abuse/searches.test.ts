import { expect, test } from "vitest";
import { directPair, person } from "../support.ts";

/** How often a person may search: messages, people and channels together. */

const KINDS = [
  "/api/v1/chat/messages/search?q=apple",
  "/api/chat/search?q=apple",
  "/api/users?q=apple",
  "/api/users/?q=apple",
  "/api/v1/chat/messages/search/?q=apple",
];

test("30 a minute and person, over all that can be searched; other reads go on", async () => {
  const { alice, bob, conversationId } = await directPair();
  const admin = await person("admin", { role: "admin" });
  const statuses: number[] = [];
  for (let i = 0; i < 30; i++) {
    const path = KINDS[i % KINDS.length] ?? "";
    statuses.push((await alice.get(path)).status);
  }
  expect(new Set(statuses)).toEqual(new Set([200]));
  for (const path of KINDS) {
    const refused = await alice.get(path);
    expect(refused, path).toMatchObject({
      status: 429,
      body: { code: "rate_limited", limit: "searches_per_minute" },
    });
    expect(refused.headers.get("Retry-After")).toBe("60");
    expect((await bob.get(path)).status).toBe(200);
    for (let i = 0; i < 40; i++) expect((await admin.get(path)).status).toBe(200);
  }
  const history = await alice.get(`/api/v1/chat/messages?conversationId=${conversationId}`);
  expect(history.status).toBe(200);
  expect((await alice.get(`/api/users?ids=${bob.userId}`)).status).toBe(200);
});
