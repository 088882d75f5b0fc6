import { membersSql, messagesSql } from "../../seed-sql.ts";
import { type Case, median } from "../case.ts";
import { Crowd } from "../crowd.ts";
import { parley } from "../dialects.ts";
import type { CountingProxy } from "../proxy.ts";
import { parleyGroup, webSocketUrl } from "../subjects.ts";

/** Wakes in a round. */
const WAKES = 10;

/**
 * The time from sleep to the first acknowledgement, in an empty conversation and in a large one.
 */
export async function waking(proxy: CountingProxy): Promise<Case[]> {
  const empty = await sleeper(proxy, []);
  const large = await sleeper(proxy, [
    ...membersSql(10_000),
    ...messagesSql(100_000, "seed-000001"),
  ]);
  return [
    {
      name: "wake from hibernation, to the first message delivered, p50",
      unit: "ms",
      measures: { empty, "100,000 messages, 10,000 members": large },
      goals: [{ of: "100,000 messages, 10,000 members", beside: "empty", atMost: 2 }],
    },
  ];
}

async function sleeper(
  proxy: CountingProxy,
  statements: readonly string[],
): Promise<() => Promise<number>> {
  const { conversationId, tokens } = await parleyGroup(proxy.subject, 3);
  if (statements.length > 0) await proxy.run(conversationId, statements);
  const url = webSocketUrl(proxy.subject, `/live/${conversationId}`);
  const crowd = await Crowd.gather(url, tokens.slice(0, 1).map(parley), 1);
  return async () => {
    const times: number[] = [];
    for (let i = 0; i < WAKES; i++) {
      await proxy.evict(conversationId);
      times.push(await crowd.one());
    }
    return median(times);
  };
}
