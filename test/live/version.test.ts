import { expect, test } from "vitest";
import { z } from "zod";
import { serverEvent } from "../../src/live/events.ts";
import { clientFrame } from "../../src/live/frames.ts";
import history from "../../src/live/schema-history.json";
import { PROTOCOL } from "../../src/live/version.ts";

/** Of everything that goes over the socket. */
async function schemaHash(): Promise<string> {
  const schemas = [clientFrame, serverEvent].map((schema) => z.toJSONSchema(schema));
  const bytes = new TextEncoder().encode(JSON.stringify(schemas));
  const digest = Buffer.from(await crypto.subtle.digest("SHA-256", bytes));
  return digest.toString("hex").slice(0, 16);
}

test("the schemas are those of the newest entry of the history", async () => {
  const hash = await schemaHash();
  expect(
    history.at(-1)?.hash,
    `The schemas of the socket protocol have changed. Add an entry to src/live/schema-history.json with
the hash ${hash}, today's date and what changed, and describe the change in docs/protocol.md. If clients of
the entry before cannot live with it, PROTOCOL in src/live/version.ts takes its next name, and the server
goes on speaking the one before.`,
  ).toBe(hash);
});

test("the history is in order, and its newest entry is of the protocol that is spoken", () => {
  const entry = z.strictObject({
    protocol: z.string().regex(/^parley\.v\d+$/),
    date: z.iso.date(),
    hash: z.string().regex(/^[0-9a-f]{16}$/),
    change: z.string().min(20),
  });
  const entries = z.array(entry).parse(history);
  expect(entries.at(-1)?.protocol).toBe(PROTOCOL);
  const dates = entries.map(({ date }) => date);
  expect(dates).toEqual(dates.toSorted());
  expect(new Set(entries.map(({ hash }) => hash)).size).toBe(entries.length);
});
