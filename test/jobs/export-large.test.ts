import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { MAX_FILE_BYTES } from "../../src/domain/file-size.ts";
import { jobObject } from "../../src/jobs/api.ts";
import { messagesSql } from "../seed-sql.ts";
import { evict, groupOf, objectOf, person } from "../support.ts";
import { Archive, beforeQuestions } from "./exporting.ts";
import { fireUntilEnd, orderOf } from "./with-kills.ts";

/** An export of many messages and a large file: its calls are counted, and none grows with it. */

const MESSAGES = 100_000;

test("100,000 messages and a file of 50 MB are exported in steps", {
  timeout: 120_000,
}, async () => {
  const [alice, bob] = await Promise.all([person("alice"), person("bob")]);
  const conversationId = await groupOf(alice, bob);
  const key = `${crypto.randomUUID()}.bin`;
  const file = new Uint8Array(MAX_FILE_BYTES);
  for (let i = 0; i < file.length; i += 4_096) file[i] = i % 251;
  await env.FILES.put(key, file);
  await runInDurableObject(objectOf(conversationId), (_, { storage: { sql } }) => {
    sql.exec("DELETE FROM messages");
    for (const statement of messagesSql(MESSAGES, alice.userId)) sql.exec(statement);
    // As long as messages are.
    sql.exec(
      "UPDATE messages SET content = content || ' ' || substr(hex(randomblob(100)), 1, 40 + number % 160)",
    );
    const attachment = {
      key,
      name: "large.bin",
      mimeType: "application/octet-stream",
      size: file.length,
    };
    sql.exec(
      "UPDATE messages SET attachments = ? WHERE number = 50000",
      JSON.stringify([attachment]),
    );
  });
  // What it knows in memory is older.
  await evict(conversationId);
  let questions = 0;
  const restore = beforeQuestions("export-conversation", async () => {
    questions++;
  });
  const order = orderOf("export-conversation", { conversationId, held: false }, conversationId);
  const began = Date.now();
  await jobObject(env, order.id).start(order);
  const view = await fireUntilEnd(order.id).finally(restore);
  const took = Date.now() - began;
  expect(view).toMatchObject({ state: "done", result: { files: 1, missingFiles: 0 } });
  const archive = await Archive.of(order.id);
  console.log({ took, questions, result: view.result, entries: archive.manifest.entries.length });
  expect(archive.manifest.counts.messages).toBe(MESSAGES);
  expect(archive.list("messages")).toHaveLength(MESSAGES);
  expect(archive.list("files")).toMatchObject([{ key, size: file.length }]);
  // A page has 500 rows.
  expect(questions).toBeLessThan(MESSAGES / 500 + 10);
});
