import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { expect, vi } from "vitest";
import type { Kind } from "../../src/domain/conversation.ts";
import { together } from "../conversation/together.ts";
import { type Caller, objectOf, person, someone } from "../support.ts";
import { commandOf, drive, frameOf } from "./driver.ts";
import { type Act, type ModelConversation, newConversation, perform } from "./model.ts";
import { actOf, actorOf, pick, type RandomAct, type Step } from "./steps.ts";

const PEOPLE = 5;
/** Milliseconds between two steps, so that no user reaches a hundred messages a minute. */
const TICK = 1_000;

/** A server and a model of it, on which the same steps are executed. */
export class World {
  readonly people: Caller[];
  readonly conversations: ModelConversation[] = [];
  /** The executed steps, to explain a failure. */
  readonly log: string[] = [];
  /** A user whom the server does not know. */
  private readonly unknown = someone("unknown");

  private constructor(people: Caller[]) {
    this.people = people;
  }

  /** New users with a group and a channel; the clock is mocked until the test ends. */
  static async begin(): Promise<World> {
    vi.useFakeTimers({ toFake: ["Date"] });
    const people: Caller[] = [];
    for (let i = 0; i < PEOPLE; i++) people.push(await person(`person${i}`));
    const world = new World(people);
    await world.createGroup(0, [1, 2, 3]);
    await world.createChannel(1, true);
    return world;
  }

  /**
   * Executes a step in both, which must have the same outcome; returns the conversation concerned.
   */
  async take(step: Step): Promise<ModelConversation> {
    vi.setSystemTime(Date.now() + TICK);
    const touched = await this.carryOut(step);
    // Changes over a socket are in D1 after the alarm has run.
    await runDurableObjectAlarm(objectOf(touched.id));
    return touched;
  }

  private async carryOut(step: Step): Promise<ModelConversation> {
    const { type, where, act, bySocket } = step;
    const { who, whom, messages } = act;
    if (type === "createGroup") return this.createGroup(who, [whom, ...messages]);
    if (type === "createChannel") return this.createChannel(who, bySocket);
    const touched = pick(this.conversations, where);
    if (type === "alone") await this.alone(act, touched, bySocket);
    if (type === "together") await this.together(step, touched);
    if (type === "sleep") {
      this.log.push(`${this.nameOf(touched)} sleeps`);
      await sleep(touched);
    }
    return touched;
  }

  private async alone(
    randomAct: RandomAct,
    touched: ModelConversation,
    wantsSocket: boolean,
  ): Promise<void> {
    const { caller, act } = this.resolved(randomAct, touched);
    if (!act) return;
    const bySocket = wantsSocket && frameOf(touched.id, act) !== undefined;
    // A user who is not a member cannot open a socket.
    const expected =
      bySocket && !touched.members.has(caller.userId)
        ? "not_a_member"
        : perform(touched, caller.userId, act, this.known(), Date.now());
    const outcome = await drive(caller, touched, act, bySocket);
    this.agree(`${bySocket ? "by socket" : "by REST"}`, touched, [
      { userId: caller.userId, act, expected, outcome },
    ]);
  }

  /** In one group commit, which must have the same result as one after the other. */
  private async together({ acts, whose }: Step, touched: ModelConversation): Promise<void> {
    const done: { userId: string; act: Act; expected: string }[] = [];
    const focus = pick(this.known(), whose);
    for (const randomAct of acts) {
      const { caller, act } = this.resolved(randomAct, touched, focus);
      if (!act) continue;
      const { userId } = caller;
      const expected = perform(touched, userId, act, this.known(), Date.now());
      done.push({ userId, act, expected });
    }
    const outcomes = await together(
      touched.id,
      done.map(({ userId, act }) => {
        const isOfChannels = act.type === "promote" || act.type === "demote";
        const kinds: readonly Kind[] = ["channel"];
        const by = { userId, ...(isOfChannels && { kinds }) };
        return [by, commandOf(touched.id, act, this.known())];
      }),
    );
    const told = done.map((one, i) => ({ ...one, outcome: outcomes[i] ?? "nothing" }));
    this.agree("together", touched, told);
  }

  private resolved(randomAct: RandomAct, touched: ModelConversation, focus?: string) {
    const cast = { people: this.known(), focus, unknown: this.unknown };
    const userId = actorOf(randomAct, touched, cast);
    const caller = this.people.find((person) => person.userId === userId);
    if (!caller) throw new Error("nobody does it");
    return { caller, act: actOf(randomAct, touched, userId, cast) };
  }

  private agree(
    way: string,
    touched: ModelConversation,
    done: readonly { userId: string; act: Act; expected: string; outcome: string }[],
  ): void {
    for (const { userId, act, expected, outcome } of done) {
      const but = outcome === expected ? "" : `, and not ${expected}`;
      const who = `${userId} in ${this.nameOf(touched)} ${way}`;
      this.log.push(`${who}: ${JSON.stringify(act)}: ${outcome}${but}`);
    }
    expect(done.map(({ outcome }) => outcome)).toEqual(done.map(({ expected }) => expected));
  }

  /** The users known to the server. */
  private known(): string[] {
    return this.people.map(({ userId }) => userId);
  }

  private nameOf(touched: ModelConversation): string {
    return `${touched.kind} ${this.conversations.indexOf(touched)}`;
  }

  private async createGroup(who: number, whom: number[]): Promise<ModelConversation> {
    const owner = pick(this.people, who);
    const named = [...new Set(whom.map((n) => pick(this.people, n).userId))];
    const { status, body } = await owner.post("/api/v1/chat/conversations/group", {
      participantIds: named,
    });
    expect(status).toBe(named.length < 2 ? 400 : 201);
    if (status !== 201) return pick(this.conversations, 0);
    const others = named.filter((userId) => userId !== owner.userId);
    return this.began(body.conversationId, "group", false, [owner.userId, ...others]);
  }

  private async createChannel(who: number, isPublic: boolean): Promise<ModelConversation> {
    const owner = pick(this.people, who);
    const { status, body } = await owner.post("/api/v1/chat/channels", {
      name: "Channel",
      isPublic,
    });
    expect(status).toBe(201);
    return this.began(body.channelId, "channel", isPublic, [owner.userId]);
  }

  private began(
    id: string,
    kind: ModelConversation["kind"],
    isPublic: boolean,
    userIds: string[],
  ): ModelConversation {
    const created = newConversation({ id, kind, isPublic }, userIds, Date.now());
    this.conversations.push(created);
    this.log.push(`${kind} ${this.conversations.length - 1} of ${userIds.join(", ")}`);
    return created;
  }
}

/** Evicts the object of a conversation, so that its state is read from storage again. */
async function sleep({ id }: ModelConversation): Promise<void> {
  await runDurableObjectAlarm(objectOf(id));
  await objectOf(id).info({
    userId: "nobody",
    name: null,
    avatarUrl: null,
    role: "user",
    reach: "member",
  });
  await evictDurableObject(objectOf(id));
}
