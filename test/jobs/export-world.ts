import { env } from "cloudflare:workers";
import { conversationOf } from "../../src/conversation/stub.ts";
import { parseMessageId } from "../../src/domain/id.ts";
import { EMOJIS } from "../../src/domain/reaction.ts";
import { asAttachment, keyOf, upload } from "../attachments/support.ts";
import type { Random } from "../random.ts";
import { type Caller, groupOf, person, send } from "../support.ts";

/** People who write at random, and a model of what they wrote, which knows nothing of how Parley stores it. */

const API = "/api/v1/chat";

export interface ModelMessage {
  id: string;
  senderId: string;
  /** Empty once it was deleted. */
  content: string;
  /** Every text that it ever had: none of another person's may be in an export of a person. */
  texts: string[];
  isEdited: boolean;
  isDeleted: boolean;
  /** Keys of files. */
  files: string[];
  /** `emoji userId`. */
  reactions: Set<string>;
}

export interface ModelConversation {
  id: string;
  /** The first is the owner, who stays. */
  present: Caller[];
  former: Caller[];
  messages: ModelMessage[];
  pins: Set<string>;
}

export class World {
  readonly people: Caller[] = [];
  readonly conversations: ModelConversation[] = [];
  private readonly random: Random;
  private words = 0;

  private constructor(random: Random) {
    this.random = random;
  }

  static async of(
    random: Random,
    { people, conversations }: { people: number; conversations: number },
  ) {
    const world = new World(random);
    for (let i = 0; i < people; i++)
      world.people.push(await person("writer", { name: `Writer ${i}` }));
    for (let i = 0; i < conversations; i++) {
      const present = [...world.people]
        .sort(() => random.next() - 0.5)
        .slice(0, Math.max(3, people - 1));
      const id = await groupOf(...present);
      world.conversations.push({ id, present, former: [], messages: [], pins: new Set() });
    }
    return world;
  }

  /** One thing that somebody does. */
  async act(at = this.random.pick(this.conversations)): Promise<void> {
    const { random } = this;
    const by = random.pick(at.present);
    const message = random.any(at.messages.filter(({ isDeleted }) => !isDeleted));
    const own = random.any(
      at.messages.filter(({ isDeleted, senderId }) => !isDeleted && senderId === by.userId),
    );
    const what = random.weighted({
      ...{ send: 10, file: 2, edit: 3, delete: 2, react: 6, unreact: 2, read: 4, pin: 1 },
      ...{ leave: 0.4, join: 0.6 },
    });
    if (what === "send") await this.send(at, by);
    else if (what === "file") await this.sendFile(at, by);
    else if (what === "edit" && own) await this.edit(own, by);
    else if (what === "delete" && own) await this.delete(at, own, by);
    else if (what === "react" && message) await this.react(message, by, random.pick(EMOJIS));
    else if (what === "unreact" && message) await this.unreact(message);
    else if (what === "read" && message) await done(by.post(`${API}/messages/${message.id}/read`));
    else if (what === "pin" && message) {
      const [owner] = at.present;
      if (owner) await done(owner.put(`${API}/conversations/${at.id}/pins/${message.id}`));
      at.pins.add(message.id);
    } else if (what === "leave" && at.present.length > 3) await this.leave(at);
    else if (what === "join") await this.join(at);
  }

  text(): string {
    const word = `word-${++this.words}-${crypto.randomUUID().slice(0, 8)}`;
    return `${word} ${this.random.pick(["", "é", "🎉", '"quoted"', "two\nlines"])}`.trim();
  }

  async send(at: ModelConversation, by: Caller): Promise<ModelMessage> {
    const content = this.text();
    const reply = this.random.chance(0.2) ? this.random.any(at.messages) : undefined;
    const { body } = await done(
      send(by, at.id, content, reply && !reply.isDeleted ? { replyToMessageId: reply.id } : {}),
    );
    return this.sent(at, by, body.messageId, content, []);
  }

  private async sendFile(at: ModelConversation, by: Caller): Promise<void> {
    const name = this.random.pick(["notes.txt", "Übersicht 概要.txt", `${"long ".repeat(40)}.txt`]);
    const file = await done(upload(by, name, `file ${crypto.randomUUID()}`));
    const content = this.text();
    const attachments = [asAttachment(file)];
    const { body } = await done(
      by.post(`${API}/messages/with-attachments`, { conversationId: at.id, content, attachments }),
    );
    this.sent(at, by, body.messageId, content, [keyOf(file.body.fileUrl)]);
  }

  private sent(
    at: ModelConversation,
    by: Caller,
    id: string,
    content: string,
    files: string[],
  ): ModelMessage {
    const message = {
      ...{ id, senderId: by.userId, content, texts: [content], files },
      ...{ isEdited: false, isDeleted: false, reactions: new Set<string>() },
    };
    at.messages.push(message);
    return message;
  }

  private async edit(message: ModelMessage, by: Caller): Promise<void> {
    const content = this.text();
    const { conversationId = "" } = parseMessageId(message.id) ?? {};
    // One of the two APIs has edits; over a socket both have.
    const person = { userId: by.userId, name: null, avatarUrl: null };
    const actor = { ...person, role: "user", reach: "member" } as const;
    const options = { wait: false, readers: false };
    const edit = { type: "edit", messageId: message.id, content, maxLength: 2_000 } as const;
    const { result } = await conversationOf(env, conversationId).submit(actor, edit, options);
    if (!result.ok) throw new Error(result.error.code);
    Object.assign(message, { content, isEdited: true });
    message.texts.push(content);
  }

  private async delete(at: ModelConversation, message: ModelMessage, by: Caller): Promise<void> {
    await done(by.delete(`${API}/messages/${message.id}`));
    Object.assign(message, { content: "", isDeleted: true, files: [] });
    message.reactions.clear();
    at.pins.delete(message.id);
  }

  async react(message: ModelMessage, by: Caller, emoji: string): Promise<void> {
    await done(by.post(`${API}/messages/${message.id}/reactions`, { emoji }));
    message.reactions.add(`${emoji} ${by.userId}`);
  }

  private async unreact(message: ModelMessage): Promise<void> {
    const reaction = this.random.any([...message.reactions]);
    if (reaction === undefined) return;
    const [emoji = "", userId = ""] = reaction.split(" ");
    const by = this.people.find((one) => one.userId === userId);
    const path = `${API}/messages/${message.id}/reactions/${encodeURIComponent(emoji)}`;
    const answer = await by?.delete(path);
    // Who has left may not.
    if (answer && answer.status < 300) message.reactions.delete(reaction);
  }

  private async leave(at: ModelConversation): Promise<void> {
    const [owner, ...others] = at.present;
    const left = this.random.pick(others);
    await done(owner?.delete(`${API}/conversations/${at.id}/participants/${left.userId}`));
    at.present = at.present.filter((one) => one !== left);
    at.former.push(left);
  }

  private async join(at: ModelConversation): Promise<void> {
    const [owner] = at.present;
    const joins = this.random.any(this.people.filter((one) => !at.present.includes(one)));
    if (!joins) return;
    const body = { participantId: joins.userId };
    await done(owner?.post(`${API}/conversations/${at.id}/participants`, body));
    at.present.push(joins);
    at.former = at.former.filter((one) => one !== joins);
  }
}

async function done<A extends { status: number; body: unknown }>(
  answer: Promise<A> | undefined,
): Promise<A> {
  const given = await answer;
  if (!given || given.status >= 300) throw new Error(JSON.stringify(given?.body));
  return given;
}
