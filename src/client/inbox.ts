import type { InboxChange, InboxCommand } from "./inbox-event.ts";
import type { InboxRow } from "./inbox-received.ts";
import { InboxSession, type InboxSessionOptions } from "./inbox-session.ts";
import type { Link } from "./link.ts";
import { Live } from "./live.ts";
import type { Carrier } from "./shared-link.ts";

/** All conversations of the user, kept up to date over one socket that is opened again whenever it is lost. */
export class Inbox extends Live<InboxChange> {
  protected readonly link: Link;
  private readonly session: InboxSession;
  private wasComplete = false;

  constructor(options: Omit<InboxSessionOptions, "emit" | "onStatus">) {
    super();
    this.session = new InboxSession({
      ...options,
      emit: (event) => this.emit(event),
      onStatus: (status) => {
        if (status.state === "live") this.wasComplete = true;
        this.publishStatus(status);
      },
    });
    this.link = this.session.connection;
  }

  /**
   * The conversations, newest message first, channels included. While the inbox connects again, those that it
   * knew before; whichever are gone by then are removed once the list is complete.
   */
  get rows(): readonly InboxRow[] {
    return this.session.rows.all;
  }

  row(conversationId: string): InboxRow | undefined {
    return this.session.rows.of(conversationId);
  }

  /** Whether the list has been complete at least once. */
  get isComplete(): boolean {
    return this.wasComplete;
  }

  /** Unread messages of all rows; until the list is complete, the server's count at the time of connecting. */
  get unread(): number {
    return this.session.rows.unread;
  }

  get you(): { userId: string } | undefined {
    return this.session.hello?.you;
  }

  /** Marks a conversation as read, or its messages up to one; resolves once that is durable. */
  async read(conversationId: string, upTo?: string): Promise<void> {
    await this.ask({ op: "read", conversationId, ...(upTo !== undefined && { upTo }) });
  }

  /** Sets one's own archived flag of a conversation; resolves once that is durable. */
  async archive(conversationId: string, archived = true): Promise<void> {
    await this.ask({ op: "archive", conversationId, archived });
  }

  /** What carries conversations over the socket of this inbox. */
  get carrier(): Carrier {
    return this.session;
  }

  private async ask(command: InboxCommand) {
    const refusal = this.refusal();
    if (refusal) throw refusal;
    return this.session.outbox.ask(command);
  }
}
