import { expect, test } from "vitest";
import { prefilterOf } from "../../src/conversation/search/prefilter.ts";
import { messagesBackwards } from "../../src/conversation/tables/messages.ts";
import { parseQuery } from "../../src/domain/search.ts";
import { directPair } from "../support.ts";
import { seedMessages, within } from "./searching.ts";

test("SQLite looks through short texts beyond ASCII only: a long one takes it 0.6 ms, and a slice has 2,000", async () => {
  const { bob, conversationId } = await directPair();
  await seedMessages(conversationId, bob.userId, [
    ...[
      "中文",
      "中文".repeat(300),
      "привет ".repeat(300),
      "plain ".repeat(300),
      "a zebra",
      "Größe",
    ],
  ]);
  const query = parseQuery("zebra");
  if (!query.ok) throw new Error("no query");
  const condition = prefilterOf(query.value);
  const numbers = await within(conversationId, (_, { sql }) =>
    Array.from(messagesBackwards(sql, 1, 10, condition, 10).messages, ({ number }) => number),
  );
  expect(numbers).toEqual([6, 5, 3, 2]);
});
