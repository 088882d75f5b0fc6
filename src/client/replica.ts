import { parseMessageId } from "../domain/id.ts";
import type {
  ServerEvent,
  WireConversation,
  WireMember,
  WireMessage,
  WireRead,
} from "./received.ts";
import { Timeline } from "./timeline.ts";

type EventOf<Type extends ServerEvent["type"]> = Extract<ServerEvent, { type: Type }>;
type Sync = EventOf<"sync">;

/** What changed by an event: rows that were new to the client, and nothing else. */
export interface Applied {
  messages: WireMessage[];
  members: WireMember[];
  reads: WireRead[];
  conversation: WireConversation | undefined;
}

/**
 * What a client knows of a conversation. Applying is idempotent: a row counts only if its `rev` is
 * newer than what is known, so that whatever comes twice does no harm.
 */
export class Replica {
  epoch: string | undefined;
  /** The highest revision applied: where to resume from. Absent before the first `sync`. */
  rev: number | undefined;
  you: EventOf<"hello">["you"] | undefined;
  limits: EventOf<"hello">["limits"] | undefined;
  /** The features that this session has, of those that were asked for. */
  features: readonly string[] = [];
  conversation: WireConversation | undefined;
  readonly members = new Map<string, WireMember>();
  /** By revision: ranges are added and never change. */
  readonly reads = new Map<number, WireRead>();
  readonly timeline = new Timeline();
  /** The first message whose read marks are known: what came by `history` has none. */
  readsFrom = 1;

  /** The session stands: who one is here, and of which epoch the revisions are. */
  greet(hello: EventOf<"hello">): void {
    this.epoch = hello.epoch;
    this.you = hello.you;
    this.limits = hello.limits;
    this.features = hello.features ?? [];
  }

  /** Takes a page over. With `reset`, or on a first visit, what was known before is forgotten. */
  sync(sync: Sync): Applied {
    if (sync.reset || this.rev === undefined) this.startOver(sync);
    const applied: Applied = {
      messages: sync.messages.filter((message) => this.timeline.put(message)),
      members: sync.members.filter((member) => this.putMember(member)),
      reads: sync.reads.filter((read) => this.putRead(read)),
      conversation: sync.conversation ? this.putConversation(sync.conversation) : undefined,
    };
    if (sync.to !== undefined) this.reach(sync.to);
    return applied;
  }

  /** Takes older messages over, which an answer to `history` brought: they move no cursor. */
  older(messages: readonly WireMessage[]): WireMessage[] {
    const [oldest, newest] = [messages[0], messages.at(-1)];
    // The state may have started over since they were asked for: they must not leave a gap.
    if (!oldest || !newest || newest.number < this.timeline.first - 1) return [];
    this.timeline.lower(oldest.number);
    return messages.filter((message) => this.timeline.put(message));
  }

  /** Takes an event with a revision over; false when it was known. */
  apply(event: EventOf<"message" | "member" | "read" | "conversation">): boolean {
    const isNew = this.put(event);
    this.reach(event.rev);
    return isNew;
  }

  /** Takes a reaction over; gives the message as it is now, if the client has it and it is news. */
  react({ rev, messageId, reactions }: EventOf<"reaction">): WireMessage | undefined {
    this.reach(rev);
    const known = this.timeline.at(parseMessageId(messageId)?.number ?? 0);
    if (!known || known.rev >= rev) return undefined;
    const message = { ...known, rev, reactions };
    this.timeline.put(message);
    return message;
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
    return conversation;
  }
}
