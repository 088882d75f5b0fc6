import type { ServerEvent, WireMember, WireMessage, WireRead } from "../../src/live/events.ts";

/** A client that applies events to its copy of a conversation as docs/protocol.md describes. */
export class Replica {
  epoch = "";
  /** The highest revision applied, from which to resume. */
  rev = 0;
  messages = new Map<string, WireMessage>();
  members = new Map<string, WireMember>();
  reads = new Map<number, WireRead>();
  /** Whether the last `sync` has more pages. */
  more = false;

  apply(event: ServerEvent): void {
    switch (event.type) {
      case "hello":
        this.epoch = event.epoch;
        break;
      case "sync":
        // Without `to` it is a page of history, which does not move the cursor.
        if (event.to === undefined) break;
        if (event.reset) this.clear();
        for (const message of event.messages) this.upsert(message);
        for (const member of event.members) this.members.set(member.userId, member);
        for (const read of event.reads) this.reads.set(read.rev, read);
        this.rev = Math.max(this.rev, event.to);
        this.more = event.more;
        break;
      case "message":
        this.upsert(event.message);
        this.rev = Math.max(this.rev, event.rev);
        break;
      case "read": {
        const { type: _, ...read } = event;
        this.reads.set(read.rev, read);
        this.rev = Math.max(this.rev, event.rev);
        break;
      }
      default:
        break;
    }
  }

  /** The state that this client would show. */
  get state() {
    const byRev = (a: { rev: number }, b: { rev: number }) => a.rev - b.rev;
    return {
      messages: [...this.messages.values()].sort((a, b) => a.number - b.number),
      members: [...this.members.values()].sort(byRev),
      reads: [...this.reads.values()].sort(byRev),
    };
  }

  private upsert(message: WireMessage): void {
    if ((this.messages.get(message.id)?.rev ?? 0) < message.rev) {
      this.messages.set(message.id, message);
    }
  }

  private clear(): void {
    this.rev = 0;
    this.messages.clear();
    this.members.clear();
    this.reads.clear();
  }
}

/** A replica to which these events were applied. */
export function replicaOf(events: readonly ServerEvent[], replica = new Replica()): Replica {
  for (const event of events) replica.apply(event);
  return replica;
}
