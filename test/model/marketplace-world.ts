import { vi } from "vitest";
import * as api from "../rest/marketplace/chats.ts";
import { Caller, someone, tokenFor } from "../support.ts";
import * as calls from "./marketplace-calls.ts";
import { ModelChat, type ModelPerson } from "./marketplace-chat.ts";
import { expectHistory, expectList, expectOutcome, type WorldUser } from "./marketplace-compare.ts";
import { type Call, NOBODY, type Pick, type Step } from "./marketplace-steps.ts";

const START = Date.parse("2031-05-06T07:08:09.123Z");
/** Lifetime of tokens in seconds: longer than any run. */
const LIFETIME = 30 * 24 * 3_600;
/** Their order is that of the ids, whatever the ids end with, so that runs are reproducible. */
const NAMES = ["ann", "ben", "cat", "dan", "eve", "fay", "guy"];
const ROLES: Record<string, ModelPerson["role"]> = { fay: "resolver", guy: "admin" };

/** Users and their chats, on the server and in the model. */
export class World {
  readonly people: WorldUser[];
  readonly chats: ModelChat[];
  private lastRead: { who: WorldUser; chat: ModelChat; ids: string[] } | undefined;

  private constructor(people: WorldUser[], chats: ModelChat[]) {
    this.people = people;
    this.chats = chats;
  }

  /**
   * Seven users, of whom two are staff; a group of three, a direct chat, and a purchase request's
   * chat.
   */
  static async create(): Promise<World> {
    vi.setSystemTime(START);
    const people = await Promise.all(NAMES.map(known));
    const [ann, ben, cat] = people;
    if (!ann || !ben || !cat) throw new Error("three of seven");
    const create = async (owner: WorldUser, others: WorldUser[], path: string, body: object) => {
      vi.setSystemTime(Date.now() + 1_000);
      const { chat } = (await owner.caller.post(api.CHATS + path, body)).body.data;
      const facts = {
        id: String(chat._id),
        kind: chat.type,
        createdAt: Date.now(),
        createdBy: owner.model.userId,
        title: chat.title,
        purchaseRequestId: chat.purchaseRequestId,
      };
      return new ModelChat(facts, [owner.model, ...others.map(({ model }) => model)]);
    };
    const participantIds = [ben.model.userId, cat.model.userId];
    const request = { purchaseRequestId: "request", sellerId: ann.model.userId };
    return new World(people, [
      await create(ann, [ben, cat], "", { type: "group", title: "Group", participantIds }),
      await create(ann, [ben], "", { participantIds: [ben.model.userId] }),
      await create(cat, [ann], "/purchase-request", request),
    ]);
  }

  /** Executes a step in both, and compares the outcome with the expected one. */
  async take({ after, who, chat: index, call }: Step): Promise<void> {
    vi.setSystemTime(Date.now() + after);
    const chat = this.chat(index);
    const times = call.do === "send" ? call.times : 1;
    for (let i = 0; i < times; i++) await this.carryOut(call, this.person(who), chat);
  }

  chat(index: number): ModelChat {
    const chat = this.chats[index % this.chats.length];
    if (!chat) throw new Error("there are chats");
    return chat;
  }

  person(index: number): WorldUser {
    const person = this.people[index % this.people.length];
    if (!person) throw new Error("there are people");
    return person;
  }

  private ids(people: readonly number[]): string[] {
    return people.map((n) => this.person(n).model.userId);
  }

  /** A user who is in a chat. */
  insider(chat: ModelChat): WorldUser {
    const insider = this.people.find(({ model }) => chat.members.has(model.userId));
    if (!insider) throw new Error("nobody is left");
    return insider;
  }

  private async carryOut(call: Call, who: WorldUser, chat: ModelChat): Promise<void> {
    const { caller, model } = who;
    const { id } = chat.facts;
    const now = Date.now();
    switch (call.do) {
      case "send": {
        const replyToMessageId = call.reply && this.messageId(chat, call.reply);
        const { content, type, key } = call;
        const mentioning = { mentions: this.ids(call.mentions), mentionsAll: call.mentionsAll };
        const keyed = { ...(key && { clientMessageId: key }) };
        const asked = { type, replyToMessageId, ...keyed, ...mentioning };
        expectOutcome(
          await api.send(caller, id, content, asked),
          calls.send(chat, model, { content, ...asked }, now),
        );
        break;
      }
      case "edit": {
        const messageId = this.messageId(chat, call.message);
        const by = call.author ? this.authorOf(chat, messageId, who) : who;
        const { content, mentions, mentionsAll } = call;
        const asked = {
          ...(mentions && { mentions: this.ids(mentions) }),
          ...(mentionsAll !== null && { mentionsAll }),
        };
        const outcome = calls.edit(chat, by.model, messageId, content, asked, now);
        expectOutcome(await api.edit(by.caller, id, messageId, content, asked), outcome);
        break;
      }
      case "delete": {
        const messageId = this.messageId(chat, call.message);
        const by = call.author ? this.authorOf(chat, messageId, who) : who;
        const outcome = calls.remove(chat, by.model, messageId, now);
        expectOutcome(await api.remove(by.caller, id, messageId), outcome);
        break;
      }
      case "read": {
        const ids = call.messages.map((message) => this.messageId(chat, message));
        if (ids.length > 0) this.lastRead = { who, chat, ids };
        await this.read(who, chat, ids);
        break;
      }
      case "read-again":
        if (this.lastRead) {
          await this.read(this.lastRead.who, this.lastRead.chat, this.lastRead.ids);
        }
        break;
      case "archive":
        expectOutcome(await api.archive(caller, id), calls.archive(chat, model));
        break;
      case "add": {
        const whom = call.whom === NOBODY ? undefined : this.person(call.whom).model;
        const outcome = calls.add(chat, model, whom, now);
        expectOutcome(await api.addTo(caller, id, whom?.userId ?? "nobody"), outcome);
        break;
      }
      case "remove": {
        const userId = call.whom === NOBODY ? "nobody" : this.person(call.whom).model.userId;
        const outcome = calls.expel(chat, model, userId, now);
        expectOutcome(await api.removeFrom(caller, id, userId), outcome);
        break;
      }
      case "list":
        await expectList(this.chats, who, call);
        break;
      case "history":
        await expectHistory(who, chat, {
          ...call,
          before: call.before && this.messageId(chat, call.before),
        });
        break;
    }
  }

  private async read({ caller, model }: WorldUser, chat: ModelChat, ids: string[]): Promise<void> {
    const outcome = calls.read(chat, model, ids, Date.now());
    expectOutcome(await api.markRead(caller, chat.facts.id, ids), outcome);
  }

  private messageId(chat: ModelChat, { from, n }: Pick): string {
    const last = chat.messages.length;
    switch (from) {
      case "newest":
        return chat.messageId(Math.max(1, last - n));
      case "first":
        return chat.messageId(1 + (n % Math.max(1, last)));
      case "never":
        return chat.messageId(last + 1 + n);
      case "elsewhere":
        return this.chat(this.chats.indexOf(chat) + 1).messageId(1 + n);
    }
  }

  private authorOf(chat: ModelChat, messageId: string, otherwise: WorldUser): WorldUser {
    const senderId = chat.message(messageId)?.senderId;
    return this.people.find(({ model }) => model.userId === senderId) ?? otherwise;
  }
}

async function known(name: string): Promise<WorldUser> {
  const role = ROLES[name] ?? "user";
  const userId = someone(name);
  const token = await tokenFor(userId, { name, role, expiresIn: LIFETIME });
  const caller = new Caller(userId, token);
  await caller.get(api.CHATS);
  return { model: { userId, name, role }, caller };
}
