import { messageIdOf } from "../../../src/domain/id.ts";
import type { Case } from "../case.ts";
import { Crowd } from "../crowd.ts";
import { parley } from "../dialects.ts";
import type { CountingProxy } from "../proxy.ts";
import { call, parleyGroup, webSocketUrl } from "../subjects.ts";

/** The number of messages over which rows are counted. */
const MESSAGES = 1_000;
const ROWS = "rows of the object, alarms included";
const D1 = "rows of D1";

/** Rows written per message and per read mark, including those of the alarm. */
export async function rows(proxies: Record<string, CountingProxy>): Promise<Case[]> {
  const alone: Case["measures"] = {};
  const together: Case["measures"] = {};
  const read: Case["measures"] = {};
  for (const [name, proxy] of Object.entries(proxies)) {
    const { conversationId, tokens } = await parleyGroup(proxy.subject, 20);
    const url = webSocketUrl(proxy.subject, `/live/${conversationId}`);
    const crowd = await Crowd.gather(url, tokens.map(parley), 1);
    const counting = async (count: number, action: () => Promise<unknown>) => {
      const counts = await proxy.counting(conversationId, action);
      return {
        [ROWS]: (counts.rowsWritten + counts.alarms) / count,
        [D1]: counts.d1RowsWritten / count,
      };
    };
    // The first message lists the conversation for its members.
    await crowd.one();
    alone[name] = () => counting(1, () => crowd.one());
    together[name] = () => counting(MESSAGES, () => crowd.sendAll(MESSAGES, 32));
    const marks = { number: 0 };
    // The last member has sent nothing: each message is unread until they mark it.
    const mark = () => {
      const messageId = messageIdOf(conversationId, ++marks.number);
      const path = `/api/v1/chat/messages/${messageId}/read`;
      return call(proxy.subject, tokens.at(-1) ?? "", "POST", path, {});
    };
    // Their first mark has no range to extend.
    await mark();
    read[name] = async () => {
      await crowd.one();
      return await counting(1, mark);
    };
  }
  const quantities = (own: number, d1: number): Case["quantities"] => ({
    [ROWS]: { unit: "rows", goals: [{ of: "parley", atMost: own }] },
    [D1]: { unit: "rows", goals: [{ of: "parley", atMost: d1 }] },
  });
  return [
    { name: "a message alone", quantities: quantities(4, 2), measures: alone, rounds: 3 },
    {
      name: "a message of 32 in flight",
      quantities: quantities(2.1, 0.3),
      measures: together,
      rounds: 3,
    },
    { name: "a read mark", quantities: quantities(3, 1), measures: read, rounds: 3 },
  ];
}
