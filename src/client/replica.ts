import { parseMessageId } from "../domain/id.ts";
import type { EventOf, WireConversation, WireMember, WireMessage, WireRead } from "./received.ts";
import { Timeline } from "./timeline.ts";

type Sync = EventOf<"sync">;

/** The rows of an event that were new to the client. */
export interface Applied {
  messages: WireMessage[];
  members: WireMember[];
  reads: WireRead[];
  conversation: WireConversation | undefined;
}

/**
 * A client's copy of a conversation. Applying is idempotent: a row is applied only if its `rev` is newer than
 * the known one, so duplicates are harmless.
 */
export class Replica {
  epoch: string | undefined;
  /** The highest applied revision, to resume from. Absent before the first `sync`. */
  rev: number | undefined;
  you: EventOf<"hello">["you"] | undefined;
  limits: EventOf<"hello">["limits"] | undefined;
  /** The features that were granted, of those that were requested. */
  features: readonly string[] = [];
  conversation: WireConversation | undefined;
  readonly members = new Map<string, WireMember>();
  /** By revision: ranges are only added, never changed. */
  readonly reads = new Map<number, WireRead>();
  readonly timeline = new Timeline();
  /** What people wrote up to a message number counts as read: the user had blocked them until then. */
  readonly lifted = new Map<string, number>();
  /** The first message whose read marks are known: messages from `history` have none. */
  readsFrom = 1;

  /** Applies `hello`: the user's membership and the epoch of the revisions. */
  greet(hello: EventOf<"hello">): void {
    this.epoch = hello.epoch;
    this.you = hello.you;
    this.limits = hello.limits;
    this.features = hello.features ?? [];
  }

  /** Applies a page of changes. With `reset`, or on a first visit, the previous state is cleared. */
  sync(sync: Sync): Applied {
    if (sync.reset || this.rev === undefined) this.startOver(sync);
    for (const { userId, upTo } of sync.lifted ?? []) this.lifted.set(userId, upTo);
    const applied: Applied = {
      messages: sync.messages.filter((message) => this.timeline.put(message)),
      members: sync.members.filter((member) => this.putMember(member)),
      reads: sync.reads.filter((read) => this.putRead(read)),
      conversation: sync.conversation ? this.putConversation(sync.conversation) : undefined,
    };
    if (sync.to !== undefined) this.reach(sync.to);
    return applied;
  }

  /** Applies older messages from an answer to `history`, which move no cursor. */
  older(messages: readonly WireMessage[]): WireMessage[] {
    return this.timeline.add(messages);
  }

  /** Applies an event with a revision; false when it was known. */
  apply(event: EventOf<"message" | "member" | "read" | "conversation">): boolean {
    const isNew = this.put(event);
    this.reach(event.rev);
    return isNew;
  }

  /** Applies a reaction; returns the updated message if it is loaded and the reaction was new. */
  react({ rev, messageId, reactions }: EventOf<"reaction">): WireMessage | undefined {
    this.reach(rev);
    const known = this.timeline.at(parseMessageId(messageId)?.number ?? 0);
    if (!known || known.rev >= rev) return undefined;
    const message = { ...known, rev, reactions };
    this.timeline.put(message);
    return message;
  }

  /** Messages up to this number are gone, but pinned ones, and count as read. */
  get purgedTo(): number {
    return this.conversation?.purgedTo ?? 0;
  }

  private put(event: EventOf<"message" | "member" | "read" | "conversation">): boolean {
    switch (event.type) {
      case "message":
        return this.timeline.put(event.message);
      case "member":
        return this.putMember(event.member);
      case "read":
        return this.putRead(event);
      case "conversation":
        return this.putConversation(event.conversation) !== undefined;
    }
  }

  private startOver(sync: Sync): void {
    this.rev = undefined;
    this.conversation = undefined;
    this.members.clear();
    this.reads.clear();
    this.lifted.clear();
    this.readsFrom = sync.messages[0]?.number ?? (sync.conversation?.lastNumber ?? 0) + 1;
    this.timeline.startOver(this.readsFrom);
  }

  private reach(rev: number): void {
    this.rev = Math.max(this.rev ?? 0, rev);
  }

  private putMember(member: WireMember): boolean {
    const known = this.members.get(member.userId);
    if (known && known.rev >= member.rev) return false;
    this.members.set(member.userId, member);
    return true;
  }

  private putRead({ rev, userId, from, to, readAt }: WireRead): boolean {
    if (this.reads.has(rev)) return false;
    this.reads.set(rev, { rev, userId, from, to, readAt });
    return true;
  }

  private putConversation(conversation: WireConversation): WireConversation | undefined {
    if (this.conversation && this.conversation.rev >= conversation.rev) return undefined;
    this.conversation = conversation;
    const { purgedTo = 0, pins = [] } = conversation;
    if (purgedTo > 0) {
      const kept = new Set(pins.map((id) => parseMessageId(id)?.number));
      this.timeline.purge(purgedTo, kept);
      for (const [rev, { to }] of this.reads) if (to <= purgedTo) this.reads.delete(rev);
    }
    return conversation;
  }
}
