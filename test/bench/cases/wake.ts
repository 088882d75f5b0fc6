import { membersSql, messagesSql } from "../../seed-sql.ts";
import type { Case } from "../case.ts";
import { Crowd } from "../crowd.ts";
import { parley } from "../dialects.ts";
import { median } from "../goals.ts";
import type { CountingProxy } from "../proxy.ts";
import { parleyGroup, webSocketUrl } from "../subjects.ts";

/** Wakes in a round. */
const WAKES = 10;
const LARGE = "100,000 messages, 10,000 members";
const FIRST = "to the first message delivered, p50";

/**
 * The time from sleep to the first acknowledgement, in an empty conversation and in a large one.
 */
export async function waking(proxies: Record<string, CountingProxy>): Promise<Case[]> {
  const measures: Case["measures"] = {};
  for (const [name, proxy] of Object.entries(proxies)) {
    measures[name] = await sleeper(proxy, []);
    measures[`${name}, ${LARGE}`] = await sleeper(proxy, [
      ...membersSql(10_000),
      ...messagesSql(100_000, "seed-000001"),
    ]);
  }
  return [
    {
      name: "wake from hibernation",
      quantities: {
        [FIRST]: {
          unit: "ms",
          goals: [{ of: `parley, ${LARGE}`, beside: "parley", atMost: 2 }],
        },
      },
      measures,
    },
  ];
}

async function sleeper(
  proxy: CountingProxy,
  statements: readonly string[],
): Promise<() => Promise<Record<string, number>>> {
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
    return { [FIRST]: median(times) };
  };
}
