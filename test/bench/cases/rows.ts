import type { Case } from "../case.ts";
import { Crowd } from "../crowd.ts";
import { parley } from "../dialects.ts";
import type { CountingProxy } from "../proxy.ts";
import { parleyGroup, webSocketUrl } from "../subjects.ts";

/** The number of messages over which rows are counted. */
const MESSAGES = 1_000;

/** Rows written per message, including alarm, projection mark and `clientMessageId`. */
export async function rows(proxy: CountingProxy): Promise<Case[]> {
  const { conversationId, tokens } = await parleyGroup(proxy.subject, 20);
  const url = webSocketUrl(proxy.subject, `/live/${conversationId}`);
  const crowd = await Crowd.gather(url, tokens.map(parley), 1);
  const alone = () => proxy.counting(conversationId, () => crowd.one());
  const together = () => proxy.counting(conversationId, () => crowd.sendAll(MESSAGES, 32));
  return [
    {
      name: "rows written per message",
      unit: "rows, alarms included",
      measures: {
        alone: async () => {
          const { rowsWritten, alarms } = await alone();
          return rowsWritten + alarms;
        },
        "32 in flight": async () => {
          const { rowsWritten, alarms } = await together();
          return (rowsWritten + alarms) / MESSAGES;
        },
      },
      goals: [
        { of: "alone", atMost: 6 },
        { of: "32 in flight", atMost: 2.5 },
      ],
    },
    {
      name: "D1 rows written per message",
      unit: "rows",
      measures: {
        alone: async () => (await alone()).d1RowsWritten,
        "32 in flight": async () => (await together()).d1RowsWritten / MESSAGES,
      },
      goals: [
        { of: "alone", atMost: 3 },
        { of: "32 in flight", atMost: 0.3 },
      ],
    },
  ];
}
