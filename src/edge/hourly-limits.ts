import type { Context } from "hono";
import type { Creation } from "../conversation/commit/create.ts";
import { directoryOf } from "../directory/directory.ts";
import { spend } from "../directory/spending.ts";
import { unreachable } from "../domain/error.ts";
import type { Settings } from "../env.ts";
import type { EdgeEnv } from "./context.ts";
import { isLimited } from "./limiter.ts";
import { refuse } from "./refusal.ts";

/** Hourly limits on what a person creates: the setting, and what is counted. */
const HOURLY = {
  conversations_per_hour: ["CONVERSATIONS_PER_HOUR", "new conversations"],
  channels_per_hour: ["CHANNELS_PER_HOUR", "new channels"],
  support_chats_per_hour: ["SUPPORT_CHATS_PER_HOUR", "new support chats"],
  additions_per_hour: ["ADDITIONS_PER_HOUR", "people added to conversations"],
} as const satisfies Record<string, readonly [setting: keyof Settings, what: string]>;

export type HourlyLimit = keyof typeof HOURLY;

/** The amount to count against each limit. */
export type Costs = Partial<Record<HourlyLimit, number>>;

/**
 * Counts against the caller's hourly limits, all of them or none, and refuses (429) if one is
 * exhausted. The last step before a creation: earlier refusals do not count, and later failures are
 * not refunded. Without D1, which counts, nothing is created: 503.
 */
export async function spendHourly(c: Context<EdgeEnv>, costs: Costs): Promise<void> {
  if (!isLimited(c)) return;
  const settings = c.get("settings");
  const actor = c.get("actor");
  const limits = Object.keys(costs) as HourlyLimit[];
  const expenses = limits.map((name) => {
    return { name, amount: costs[name] ?? 0, limit: settings[HOURLY[name][0]] };
  });
  const directory = directoryOf(c.env.DB);
  const exhausted = await spend(directory, actor.userId, expenses, Date.now());
  if (!exhausted) return;
  const { name, retryAfterMs } = exhausted;
  const [most] = expenses.filter((one) => one.name === name);
  refuse("rate_limited", {
    ...(most && {
      message: `At most ${most.limit} ${HOURLY[most.name][1]} an hour; wait before you try again.`,
    }),
    retryAfterMs,
    limit: name,
  });
}

/**
 * What a creation counts for its creator. People named in a group count as additions; the other
 * person of a direct chat does not, nor does the staff of a support chat, whom the server adds.
 */
export function costsOf({ kind, members, createdBy }: Creation): Costs {
  switch (kind) {
    case "channel":
      return { channels_per_hour: 1 };
    case "support":
      return { support_chats_per_hour: 1 };
    case "direct":
    case "purchase-request":
      return { conversations_per_hour: 1 };
    case "group": {
      const others = members.filter(({ person }) => person.userId !== createdBy).length;
      return { conversations_per_hour: 1, additions_per_hour: others };
    }
    default:
      return unreachable(kind);
  }
}
