import { isLarge } from "../../../domain/conversation.ts";
import type { FrameId } from "../../../live/frames.ts";
import { MAX_SYNC_BYTES } from "../../../live/version.ts";
import { wireConversation, wireMember, wireRead } from "../../../live/wire.ts";
import { unreadOf } from "../../queries/unread.ts";
import { memberOf, presentMembers } from "../../tables/members.ts";
import { readsFrom, readsOfMember } from "../../tables/reads.ts";
import { bytesOf, frameOf, jsonOf } from "./sync-frame.ts";
import type { Page, View } from "./view.ts";

/** What a first visit is given. */
const FIRST_MESSAGES = 50;
const FIRST_MEMBERS = 200;
/** Bytes of a first visit that are reserved for members and reads. */
const RESERVED_BYTES = 96 * 1024;
/** Bounded by the two above: a member reads a message once. */
const FIRST_READS = FIRST_MESSAGES * FIRST_MEMBERS;

/**
 * The `sync` object of a first visit: the newest messages, the present members and what they have read,
 * as much of each as fits into {@link MAX_SYNC_BYTES}, and at least one message.
 */
export function firstSync(
  { sql, recent, memory, write, hides, lifted }: View,
  reset: boolean,
  userId: string,
  id: FrameId,
): Page {
  const { conversation, counters } = memory;
  const from = Math.max(1, counters.lastNumber - FIRST_MESSAGES + 1);
  // One's own membership and reads are never left out: clients count unread messages by them.
  const you = memberOf(sql, userId);
  const others = presentMembers(sql, FIRST_MEMBERS).filter((member) => member.userId !== userId);
  const othersReads = isLarge(counters.memberCount)
    ? []
    : readsFrom(sql, from, FIRST_READS).filter(
        (read) => read.userId !== userId && !hides.has(read.userId),
      );
  const own = {
    member: you ? [JSON.stringify(wireMember(you))] : [],
    reads: readsOfMember(sql, userId, from).map((read) => JSON.stringify(wireRead(read))),
  };
  const newest = recent
    .between(from, counters.lastNumber, {
      ...{ lastNumber: counters.lastNumber, purgedTo: conversation.purgedTo },
    })
    .reverse();
  const senders = new Set(newest.map(({ senderId }) => senderId));
  const liftedHere = lifted.filter(({ userId, upTo }) => upTo >= from && senders.has(userId));
  const whole = JSON.stringify(wireConversation(conversation, counters));
  const reserved = [whole, JSON.stringify(liftedHere), ...own.member, ...own.reads];
  let left = MAX_SYNC_BYTES - bytesOf(reserved);
  const messages = jsonOf(newest, write, left - RESERVED_BYTES, 1).reverse();
  left -= bytesOf(messages);
  const members = jsonOf(
    others.slice(0, FIRST_MEMBERS - own.member.length),
    (member) => JSON.stringify(wireMember(member)),
    left - RESERVED_BYTES / 2,
  );
  left -= bytesOf(members);
  const reads = jsonOf(othersReads, (read) => JSON.stringify(wireRead(read)), left);
  const frame = frameOf({
    from: 0,
    to: counters.rev,
    messages,
    members: [...own.member, ...members].sort(),
    reads: [...own.reads, ...reads],
    conversation: whole,
    more: false,
    ...(reset && { reset, unread: you ? unreadOf(sql, memory, you) : 0 }),
    lifted: liftedHere,
    id,
  });
  return { frame, to: counters.rev, more: false };
}
