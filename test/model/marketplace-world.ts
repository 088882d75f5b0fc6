import { expect, vi } from "vitest";
import * as api from "../rest/marketplace/chats.ts";
import { type Answer, Caller, someone, tokenFor } from "../support.ts";
import * as calls from "./marketplace-calls.ts";
import { ModelChat, type ModelPerson } from "./marketplace-chat.ts";
import { type Call, NOBODY, type Pick, type Step } from "./marketplace-steps.ts";

const START = Date.parse("2031-05-06T07:08:09.123Z");
/** Seconds that a token lives: longer than any run. */
const LIFETIME = 30 * 24 * 3_600;
/** In this order, so that a run comes to the same whatever else their ids are made of. */
const NAMES = ["ann", "ben", "cat", "dan", "eve", "fay", "guy"];
const ROLES: Record<string, ModelPerson["role"]> = { fay: "resolver", guy: "admin" };

interface Somebody {
  model: ModelPerson;
  caller: Caller;
}

/** People and their chats, twice: as the server has them, and as the model does. */
export class World {
  readonly people: Somebody[];
  readonly chats: ModelChat[];

  private constructor(people: Somebody[], chats: ModelChat[]) {
    this.people = people;
    this.chats = chats;
  }

  /** Seven people, of whom two are staff; a group of three, a direct chat, and a purchase request's. */
  static async create(): Promise<World> {
    vi.setSystemTime(START);
    const people = await Promise.all(NAMES.map(known));
    const [ann, ben, cat] = people;
    if (!ann || !ben || !cat) throw new Error("three of seven");
    const create = async (owner: Somebody, others: Somebody[], path: string, body: object) => {
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

  /** Takes a step in both, and holds what came of it against what must have come. */
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

  person(index: number): Somebody {
    const person = this.people[index % this.people.length];
    if (!person) throw new Error("there are people");
    return person;
  }

  /** Somebody who is in a chat. */
  insider(chat: ModelChat): Somebody {
    const insider = this.people.find(({ model }) => chat.members.has(model.userId));
    if (!insider) throw new Error("nobody is left");
    return insider;
  }

  private async carryOut(call: Call, who: Somebody, chat: ModelChat): Promise<void> {
    const { caller, model } = who;
    const { id } = chat.facts;
    const now = Date.now();
    switch (call.do) {
      case "send": {
        const replyToMessageId = call.reply && this.messageId(chat, call.reply);
        const { content, type, key } = call;
        const asked = { type, replyToMessageId, ...(key && { clientMessageId: key }) };
        expectOutcome(
          await api.send(caller, id, content, asked),
          calls.send(chat, model, { content, ...asked }, now),
        );
        break;
      }
      case "edit": {
        const messageId = this.messageId(chat, call.message);
        const by = call.author ? this.authorOf(chat, messageId, who) : who;
        const outcome = calls.edit(chat, by.model, messageId, call.content, now);
        expectOutcome(await api.edit(by.caller, id, messageId, call.content), outcome);
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
        expectOutcome(await api.markRead(caller, id, ids), calls.read(chat, model, ids, now));
        break;
      }
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
        await this.expectList(who, call);
        break;
      case "history":
        await this.expectHistory(who, chat, call);
        break;
    }
  }

  /** Holds a page of somebody's list against the model. */
  async expectList(
    { caller, model }: Somebody,
    { type, archived, limit, page }: Omit<Extract<Call, { do: "list" }>, "do">,
  ): Promise<void> {
    const query = new URLSearchParams({ limit: String(limit), page: String(page) });
    if (type !== null) query.set("type", type);
    if (archived !== null) query.set("archived", String(archived));
    const chats = this.chats
      .filter(({ members }) => members.has(model.userId))
      .filter(({ facts }) => type === null || facts.kind === type)
      .map((chat) => chat.presentFor(model.userId))
      .filter(({ isArchived }) => archived === null || isArchived === archived)
      .sort((a, b) => orderOf(b).localeCompare(orderOf(a)));
    const answer = await caller.get(`${api.CHATS}?${query}`);
    expect(answer.status).toBe(200);
    expect(plain(answer.body.data, "list")).toEqual(
      plain(
        {
          chats: chats.slice((page - 1) * limit, page * limit),
          pagination: paginationOf(page, limit, chats.length),
        },
        "list",
      ),
    );
  }

  /** Holds a page of history against the model. */
  async expectHistory(
    { caller, model }: Somebody,
    chat: ModelChat,
    { before, oldestFirst, limit, page }: Omit<Extract<Call, { do: "history" }>, "do">,
  ): Promise<void> {
    const query = new URLSearchParams({ limit: String(limit), page: String(page) });
    if (oldestFirst) query.set("order", "asc");
    const bound = before && chat.messages.length > 0 ? this.messageId(chat, before) : undefined;
    if (bound) query.set("before", bound);
    const answer = await api.history(caller, chat.facts.id, `?${query}`);
    if (!chat.members.has(model.userId) && model.role === "user") {
      expectOutcome(answer, { refused: new Set(["not_a_member"]) });
      return;
    }
    const all = chat.messages
      .map((message) => chat.present(message))
      .filter(({ _id }) => bound === undefined || _id < bound);
    if (!oldestFirst) all.reverse();
    const messages = all.slice((page - 1) * limit, page * limit);
    const pagination = paginationOf(page, limit, all.length);
    expectOutcome(answer, { data: { messages, pagination } });
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

  private authorOf(chat: ModelChat, messageId: string, otherwise: Somebody): Somebody {
    const senderId = chat.message(messageId)?.senderId;
    return this.people.find(({ model }) => model.userId === senderId) ?? otherwise;
  }
}

async function known(name: string): Promise<Somebody> {
  const role = ROLES[name] ?? "user";
  const userId = someone(name);
  const token = await tokenFor(userId, { name, role, expiresIn: LIFETIME });
  const caller = new Caller(userId, token);
  await caller.get(api.CHATS);
  return { model: { userId, name, role }, caller };
}

/** Latest message first, chats without one last, newer ones before older ones. */
function orderOf(chat: { lastMessage: { createdAt: string } | null; createdAt: string }): string {
  return `${chat.lastMessage?.createdAt ?? "0"} ${chat.createdAt}`;
}

function paginationOf(page: number, limit: number, total: number) {
  const totalPages = Math.ceil(total / limit);
  return { page, limit, total, totalPages, hasMore: page < totalPages };
}

export function expectOutcome(answer: Answer, outcome: calls.Outcome): void {
  if ("refused" in outcome) {
    expect([...outcome.refused], JSON.stringify(answer.body)).toContain(answer.body.code);
    expect(answer.status).toBeGreaterThanOrEqual(400);
  } else {
    expect(answer.body).toMatchObject({ success: true });
    expect(plain(answer.body.data)).toEqual(plain(outcome.data));
    expect(answer.status).toBeLessThan(300);
  }
}

/** Data without what is left open: the order of participants, and in lists the receipts. */
export function plain(data: unknown, of: "chat" | "list" = "chat"): unknown {
  return JSON.parse(JSON.stringify(data), (key, value) => {
    if (key === "participants") {
      return value.toSorted((a: ModelPerson, b: ModelPerson) => (a.userId < b.userId ? -1 : 1));
    }
    return key === "readBy" && of === "list" ? [] : value;
  });
}
