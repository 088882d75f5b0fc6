import { ParleyError } from "./error.ts";
import type { ConversationEvent } from "./event.ts";
import { Feed } from "./feed.ts";
import type { HistoryPlace, NewMessage, SentMessage } from "./message.ts";
import type { Question } from "./outbox.ts";
import type { WireMessage } from "./received.ts";
import { View } from "./view.ts";

/**
 * One conversation, kept up to date over a socket that is opened again whenever it is lost. Listen with
 * `on`, or iterate: `for await (const event of conversation)` ends when the conversation is closed.
 */
export class Conversation extends View implements AsyncIterable<ConversationEvent> {
  /** Connects, and stays connected until `close`; when a wait for the next attempt is running, ends it. */
  connect(): this {
    void this.session.connection.open();
    return this;
  }

  /**
   * For the moment in which a network or a machine is available again: ends a wait for the next attempt, and a
   * socket that stands is asked now, not half a minute later, whether it still does.
   */
  wake(): this {
    this.session.connection.wake();
    return this;
  }

  /** Closes for good: what is not acknowledged is rejected. */
  close(): void {
    this.session.connection.close("closed by the caller");
  }

  /** Resolves once everything has been caught up with; rejects when the conversation is closed. */
  async live(): Promise<this> {
    if (this.current.state === "live") return this;
    return new Promise((resolve, reject) => {
      const off = this.on("status", (status) => {
        if (status.state !== "live" && status.state !== "closed") return;
        off();
        if (status.state === "live") resolve(this);
        else reject(new ParleyError("closed", status.reason));
      });
    });
  }

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
    if (this.current.state !== "live") return;
    this.session.connection.send(JSON.stringify({ op: "typing", active }));
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

  /** Every event from now on. What is not taken yet is kept. */
  [Symbol.asyncIterator](): AsyncIterator<ConversationEvent> {
    return new Feed(
      (listener) => this.on("event", listener),
      (event) => event.type === "status" && event.state === "closed",
      this.current.state === "closed",
    );
  }

  private ask(question: Question) {
    if (this.current.state === "closed") {
      return Promise.reject(new ParleyError("closed", this.current.reason));
    }
    return this.session.outbox.ask(question);
  }
}
