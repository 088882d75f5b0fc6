/**
 * A chat of the marketplace API as plain objects, without ranges, revisions, group commits or
 * projections. Its operations are in `marketplace-calls.ts`.
 */

export interface ModelPerson {
  userId: string;
  name: string;
  role: "user" | "admin" | "resolver";
}

export interface ModelMember {
  person: ModelPerson;
  role: "owner" | "member";
  joinedAt: number;
  archived: boolean;
  /** Messages up to this number existed before they joined, and are not unread. */
  since: number;
}

export interface ModelMessage {
  number: number;
  /** `null`: an announcement. */
  senderId: string | null;
  type: "text" | "system";
  content: string;
  replyTo: string | null;
  metadata: Record<string, unknown> | null;
  mentions: readonly string[];
  mentionsAll: boolean;
  createdAt: number;
  editedAt: number | null;
  deletedAt: number | null;
  deletedBy?: string;
  /** Readers and times, in the order of reading. */
  readBy: Map<string, number>;
  key: string | undefined;
  /** The request that was sent with the key. */
  asked: string;
}

export interface ModelFacts {
  id: string;
  kind: "group" | "direct";
  createdAt: number;
  createdBy: string;
  title: string | null;
  purchaseRequestId: string | null;
}

export class ModelChat {
  readonly facts: ModelFacts;
  readonly members = new Map<string, ModelMember>();
  readonly messages: ModelMessage[] = [];

  constructor(facts: ModelFacts, people: readonly ModelPerson[]) {
    this.facts = facts;
    for (const person of people) {
      const owns = facts.kind === "group" && person.userId === facts.createdBy;
      const role = owns ? "owner" : "member";
      const { createdAt: joinedAt } = facts;
      this.members.set(person.userId, { person, role, joinedAt, archived: false, since: 0 });
    }
  }

  /** The id of the message with this number, which need not exist. */
  messageId(number: number): string {
    return this.facts.id.slice(0, -10) + number.toString(16).padStart(10, "0");
  }

  message(messageId: string): ModelMessage | undefined {
    return this.messages.find(({ number }) => this.messageId(number) === messageId);
  }

  append(
    message: Pick<ModelMessage, "senderId" | "type" | "content" | "createdAt"> &
      Partial<ModelMessage>,
  ): ModelMessage {
    const appended: ModelMessage = {
      number: this.messages.length + 1,
      replyTo: null,
      metadata: null,
      mentions: [],
      mentionsAll: false,
      editedAt: null,
      deletedAt: null,
      readBy: new Map(),
      key: undefined,
      asked: "",
      ...message,
    };
    this.messages.push(appended);
    return appended;
  }

  /** The counted messages: neither deleted nor announcements. */
  counted(): ModelMessage[] {
    return this.messages.filter(counts);
  }

  unreadBy(userId: string): ModelMessage[] {
    const since = this.members.get(userId)?.since ?? Number.POSITIVE_INFINITY;
    return this.counted().filter(
      (m) => m.number > since && m.senderId !== userId && !m.readBy.has(userId),
    );
  }

  unreadMentionsOf(userId: string): ModelMessage[] {
    return this.unreadBy(userId).filter((m) => m.mentionsAll || m.mentions.includes(userId));
  }

  unreadCounts(): Record<string, number> {
    const userIds = [...this.members.keys()];
    return Object.fromEntries(userIds.map((userId) => [userId, this.unreadBy(userId).length]));
  }

  present(message: ModelMessage) {
    const { editedAt, deletedAt, createdAt, mentions, mentionsAll } = message;
    const { senderId, deletedBy } = message;
    return {
      _id: this.messageId(message.number),
      chatId: this.facts.id,
      senderId: message.senderId,
      content: message.content,
      type: message.type,
      replyToMessageId: message.replyTo,
      attachments: [],
      reactions: [],
      readBy: counts(message)
        ? Array.from(message.readBy, ([userId, at]) => ({ userId, readAt: iso(at) }))
        : [],
      metadata: message.metadata,
      ...(mentions.length > 0 && { mentions }),
      ...(mentionsAll && { mentionsAll }),
      ...(deletedBy !== undefined && deletedBy !== senderId && { deletedBy }),
      createdAt: iso(createdAt),
      updatedAt: iso(deletedAt ?? editedAt ?? createdAt),
      editedAt: editedAt === null ? null : iso(editedAt),
      deletedAt: deletedAt === null ? null : iso(deletedAt),
    };
  }

  /** The chat as a user receives it. */
  presentFor(userId: string) {
    const { id, kind, createdAt, ...facts } = this.facts;
    const last = this.counted().at(-1);
    const participants = Array.from(this.members.values(), ({ person, role, joinedAt }) => ({
      userId: person.userId,
      name: person.name,
      avatarUrl: null,
      role,
      joinedAt: iso(joinedAt),
    }));
    return {
      _id: id,
      type: kind,
      ...facts,
      participants,
      subject: null,
      metadata: null,
      isArchived: this.members.get(userId)?.archived ?? false,
      unreadCount: this.unreadBy(userId).length,
      unreadMentions: this.unreadMentionsOf(userId).length,
      lastMessage: last ? this.present(last) : null,
      createdAt: iso(createdAt),
      updatedAt: iso(last?.createdAt ?? createdAt),
    };
  }
}

/** Whether a message is counted: as unread, as the last one, in totals. */
export function counts(message: ModelMessage): boolean {
  return message.senderId !== null && message.deletedAt === null;
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
