import { expect, test } from "vitest";
import { searchNames } from "../../src/conversation/queries/search-names.ts";
import { nextTurn } from "../../src/conversation/search/turn.ts";
import { parseQuery, type SearchQuery } from "../../src/domain/search.ts";
import { directPair } from "../support.ts";
import { within } from "./searching.ts";

test("looking for names in a large conversation leaves turns to others", async () => {
  const { alice, conversationId } = await directPair();
  await within(conversationId, async (open, { sql }) => {
    sql.exec(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3500)
       INSERT INTO members (user_id, name, role, joined_at, archived, read_up_to, read_beyond, rev)
       SELECT 'm' || i, 'Nguyễn Phượng ' || i, 'member', 1, 0, 0, 0, 1 FROM n`,
    );
    let isFinished = false;
    const names = Promise.resolve(
      searchNames(open, alice.userId, queryOf('from:m7 from:"phuong 350" from:me from:nobody')),
    ).finally(() => {
      isFinished = true;
    });
    let turns = 0;
    for (; !isFinished; turns++) await nextTurn();
    expect(turns).toBeGreaterThanOrEqual(3);
    const { senders, context } = await names;
    // Those whose number begins with 350, and the ids that were typed.
    expect(senders?.toSorted()).toEqual(
      ["m7", "phuong 350", "m350", "m3500", alice.userId, "nobody"].toSorted(),
    );
    expect(context.usersNamed?.("phuong 350").toSorted()).toEqual(["m350", "m3500"]);
  });
});

function queryOf(text: string): SearchQuery {
  const query = parseQuery(text);
  if (!query.ok) throw new Error("no query");
  return query.value;
}
