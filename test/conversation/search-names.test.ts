import { expect, test } from "vitest";
import { searchNames } from "../../src/conversation/queries/search-names.ts";
import { nextTurn } from "../../src/conversation/search/turn.ts";
import { parseQuery, type SearchQuery } from "../../src/domain/search.ts";
import { directPair } from "../support.ts";
import { within } from "./searching.ts";

/** A conversation with many members, whose names take long to fold. */
async function crowd(): Promise<{ userId: string; conversationId: string }> {
  const { alice, conversationId } = await directPair();
  await within(conversationId, (_, { sql }) => {
    sql.exec(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3500)
       INSERT INTO members (user_id, name, role, joined_at, archived, read_up_to, read_beyond, rev)
       SELECT 'm' || i, 'Nguyễn Phượng ' || i, 'member', 1, 0, 0, 0, 1 FROM n`,
    );
  });
  return { userId: alice.userId, conversationId };
}

test("looking for names in a large conversation leaves turns to others", async () => {
  const { userId, conversationId } = await crowd();
  const query = queryOf('from:m7 from:"phuong 350" from:me from:nobody');
  await within(conversationId, async (open) => {
    let isFinished = false;
    const names = searchNames(open, userId, query, 20_000).finally(() => {
      isFinished = true;
    });
    let turns = 0;
    for (; !isFinished; turns++) await nextTurn();
    expect(turns).toBeGreaterThanOrEqual(3);
    const { senders, context } = await names;
    // Those whose number begins with 350, and the ids that were typed.
    const ids = ["m7", "phuong 350", "m350", "m3500", userId, "nobody"];
    expect(senders?.toSorted()).toEqual(ids.toSorted());
    expect(context.usersNamed?.("phuong 350").toSorted()).toEqual(["m350", "m3500"]);
  });
});

test("no more names are read than the search may read rows: senders are looked at one by one", async () => {
  const { userId, conversationId } = await crowd();
  await within(conversationId, async (open) => {
    const names = await searchNames(open, userId, queryOf("from:phuong"), 1_000);
    expect(names.rows).toBeLessThanOrEqual(1_001);
    expect(names.senders).toBeUndefined();
    expect(names.context.nameOf("m350")).toBe("Nguyễn Phượng 350");
  });
});

function queryOf(text: string): SearchQuery {
  const query = parseQuery(text);
  if (!query.ok) throw new Error("no query");
  return query.value;
}
