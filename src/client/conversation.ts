import { parseMessageId } from "../domain/id.ts";
import { ParleyError } from "./error.ts";
import type { Question } from "./event.ts";
import type { HistoryPlace, NewMessage, SentMessage } from "./message.ts";
import type { WireMessage } from "./received.ts";
import { View } from "./view.ts";

/** One conversation, kept up to date over a connection that is opened again whenever it is lost. */
export class Conversation extends View {
  /**
   * Sends a message and resolves once it is durable. It is kept until then, over any number of
   * reconnects, and never arrives twice. Rejects with what the server refused it for.
   */
  async send(message: NewMessage | string): Promise<SentMessage> {
    const given = typeof message === "string" ? { content: message } : message;
    const { clientMessageId = crypto.randomUUID() } = given;
    const pending = { ...given, clientMessageId, sentAt: new Date(this.clock()) };
    this.onTheWay.set(clientMessageId, pending);
    try {
      const answer = await this.ask({ op: "send", ...given, clientMessageId });
      const { messageId, deduplicated } = answer.type === "ack" ? answer : {};
      if (messageId === undefined) throw new ParleyError("invalid_frame", "an ack without an id");
      return { messageId, clientMessageId, deduplicated: deduplicated === true };
    } finally {
      this.onTheWay.delete(clientMessageId);
    }
  }

  /** Changes the text of one's own message; resolves once that is durable. */
  async edit(messageId: string, content: string): Promise<void> {
    await this.ask({ op: "edit", messageId, content });
  }

  /** Deletes one's own message; twice is the same as once. */
  async delete(messageId: string): Promise<void> {
    await this.ask({ op: "delete", messageId });
  }

  /** Leaves a reaction; leaving it twice is the same as once. */
  async react(messageId: string, emoji: string): Promise<void> {
    await this.ask({ op: "react", messageId, emoji });
  }

  async unreact(messageId: string, emoji: string): Promise<void> {
    await this.ask({ op: "unreact", messageId, emoji });
  }

  /** Marks messages as read: some, all up to one, or with nothing named all. */
  async read(what: { messageIds?: string[]; upTo?: string } = {}): Promise<void> {
    await this.ask({ op: "read", ...what });
  }

  /** Broadcasts that the user is typing or stopped; dropped while offline. */
  sayTyping(active = true): void {
    if (this.status.state !== "live") return;
    this.link.send({ op: "typing", active });
  }

  /** A page of history, oldest first; `messages` stays as it is. */
  async history(place: HistoryPlace): Promise<{ messages: WireMessage[]; more: boolean }> {
    const answer = await this.ask({ op: "history", ...place });
    return answer.type === "sync" ? answer : { messages: [], more: false };
  }

  /** Loads what comes before the oldest of `messages`; resolves to whether there is more. */
  async loadOlder(limit = 50): Promise<boolean> {
    const [first] = this.messages;
    if (!first) return false;
    const { messages, more } = await this.history({ before: first.id, limit });
    this.session.replica.older(messages);
    return more;
  }

  /**
   * Loads a message and those around it, once the conversation is live. They are in `messages` if nothing is missing
   * between, and otherwise in `earlier`, instead of what was there.
   */
  async loadAround(messageId: string, limit = 50): Promise<void> {
    await this.live();
    const { timeline } = this.session.replica;
    const number = parseMessageId(messageId)?.number ?? 0;
    if (number >= timeline.first) timeline.earlier = undefined;
    if (timeline.at(number)) return;
    const { messages } = await this.history({ around: messageId, limit });
    timeline.lookAt(messages);
  }

  /** Loads what is before or behind `earlier`. It ends when it reaches `messages`: those are one then. */
  async loadEarlier(side: "before" | "after", limit = 50): Promise<void> {
    const { timeline } = this.session.replica;
    const { earlier } = timeline;
    const edge = earlier?.messages.at(side === "before" ? 0 : -1);
    if (!edge) return;
    const { messages } = await this.history({ [side]: edge.id, limit });
    // It was left, or another one is looked at.
    if (timeline.earlier !== earlier) return;
    earlier?.add(messages);
    timeline.join();
  }

  /** Forgets `earlier`. */
  leaveEarlier(): void {
    this.session.replica.timeline.earlier = undefined;
  }

  private async ask(question: Question) {
    const refusal = this.refusal();
    if (refusal) throw refusal;
    return this.session.outbox.ask(question);
  }
}
