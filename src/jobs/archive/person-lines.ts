import { inboxOf } from "../../conversation/stub.ts";
import type { Directory } from "../../directory/directory.ts";
import { profileOf, serviceBanOf } from "../../directory/exported.ts";
import { isoTime, isoTimeOrNull } from "../../live/wire.ts";
import type { JobContext } from "../kind.ts";
import { keyOf, type Line } from "./tables.ts";

/** What D1 and their inbox know of a person. */
export async function personLines(
  { env, clock }: JobContext,
  directory: Directory,
  userId: string,
): Promise<Line[]> {
  const [profile, ban, inbox] = await Promise.all([
    profileOf(directory, userId),
    serviceBanOf(directory, userId),
    inboxOf(env, userId).profile(),
  ]);
  const { settings, invisible, levels, devices, blocks } = inbox;
  const rest = profile && { ...profile, lastSeenAt: isoTime(profile.lastSeenAt) };
  const lines: Line[] = [
    { list: "person", key: "0", value: { ...rest, id: userId } },
    { list: "settings", key: "0", value: { ...settings, invisible, readAt: isoTime(clock()) } },
  ];
  for (const { conversationId, level, until } of levels) {
    const value = { conversationId, level, until: isoTimeOrNull(until) };
    lines.push({ list: "levels", key: conversationId, value });
  }
  for (const [index, { host, addedAt, expiresAt }] of devices.entries()) {
    const value = { host, addedAt: isoTime(addedAt), expiresAt: isoTimeOrNull(expiresAt) };
    lines.push({ list: "devices", key: keyOf(index), value });
  }
  for (const { blockedId, at } of blocks) {
    lines.push({ list: "blocks", key: blockedId, value: { blockedId, at: isoTime(at) } });
  }
  if (ban) {
    const { bannedAt, until, reason, liftedAt } = ban;
    const times = { until: isoTimeOrNull(until), liftedAt: isoTimeOrNull(liftedAt) };
    const value = { bannedAt: isoTime(bannedAt), ...times, reason };
    lines.push({ list: "service-bans", key: "0", value });
  }
  return lines;
}
