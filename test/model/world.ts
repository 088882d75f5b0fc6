import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { expect, vi } from "vitest";
import { type Caller, objectOf, person, someone } from "../support.ts";
import { drive, frameOf } from "./driver.ts";
import { perform, type Talk, talk } from "./model.ts";
import { actOf, pick, type Step } from "./steps.ts";

const PEOPLE = 5;
/** Between two steps, in milliseconds: nobody comes to a hundred messages a minute. */
const TICK = 1_000;

/** A server and a model of it, to which the same is done. */
export class World {
  readonly people: Caller[];
  readonly talks: Talk[] = [];
  /** What was done, for whoever must find out why it went wrong. */
  readonly log: string[] = [];
  /** Somebody whom the server does not know. */
  private readonly unknown = someone("unknown");

  private constructor(people: Caller[]) {
    this.people = people;
  }

  /** New people with a group and a channel; the clock is the world's until the test ends. */
  static async begin(): Promise<World> {
    vi.useFakeTimers({ toFake: ["Date"] });
    const people: Caller[] = [];
    for (let i = 0; i < PEOPLE; i++) people.push(await person(`person${i}`));
    const world = new World(people);
    await world.createGroup(0, [1, 2, 3]);
    await world.createChannel(1, true);
    return world;
  }

  /** Does a step to both, which must agree on what comes of it; the conversation that it touched. */
  async take(step: Step): Promise<Talk> {
    vi.setSystemTime(Date.now() + TICK);
    const touched = await this.carryOut(step);
    // D1 has what was done over a socket once the alarm has looked after it.
    await runDurableObjectAlarm(objectOf(touched.id));
    return touched;
  }

  private async carryOut(step: Step): Promise<Talk> {
    const { type, where, who, whom } = step;
    if (type === "createGroup") return this.createGroup(who, [whom, ...step.messages]);
    if (type === "createChannel") return this.createChannel(who, step.bySocket);
    const touched = pick(this.talks, where);
    if (type !== "sleep") await this.act(step, touched);
    else {
      this.log.push(`${touched.kind} ${this.talks.indexOf(touched)} sleeps`);
      await sleep(touched);
    }
    return touched;
  }

  private async act(step: Step, touched: Talk): Promise<void> {
    const caller = this.actorOf(step, touched);
    const known = this.people.map(({ userId }) => userId);
    const act = actOf(step, touched, caller.userId, [...known, this.unknown]);
    if (!act) return;
    const bySocket = step.bySocket && frameOf(touched.id, act) !== undefined;
    // Who is no member is not let in at all.
    const expected =
      bySocket && !touched.members.has(caller.userId)
        ? "not_a_member"
        : perform(touched, caller.userId, act, known, Date.now());
    const outcome = await drive(caller, touched, act, bySocket);
    const place = `${touched.kind} ${this.talks.indexOf(touched)}`;
    const way = bySocket ? "socket" : "REST";
    const said = `${caller.userId} in ${place} by ${way}: ${JSON.stringify(act)}`;
    this.log.push(`${said}: ${outcome}`);
    expect(`${said}: ${outcome}`).toBe(`${said}: ${expected}`);
  }

  /** Mostly one of those who are in it: others can do little. */
  private actorOf({ who, fromOutside }: Step, { members }: Talk): Caller {
    const inside = this.people.filter(({ userId }) => members.has(userId));
    return pick(fromOutside ? this.people : inside, who);
  }

  private async createGroup(who: number, whom: number[]): Promise<Talk> {
    const owner = pick(this.people, who);
    const named = [...new Set(whom.map((n) => pick(this.people, n).userId))];
    const { status, body } = await owner.post("/api/v1/chat/conversations/group", {
      participantIds: named,
    });
    expect(status).toBe(named.length < 2 ? 400 : 201);
    if (status !== 201) return pick(this.talks, 0);
    const others = named.filter((userId) => userId !== owner.userId);
    return this.began(body.conversationId, "group", false, [owner.userId, ...others]);
  }

  private async createChannel(who: number, isPublic: boolean): Promise<Talk> {
    const owner = pick(this.people, who);
    const { status, body } = await owner.post("/api/v1/chat/channels", {
      name: "Channel",
      isPublic,
    });
    expect(status).toBe(201);
    return this.began(body.channelId, "channel", isPublic, [owner.userId]);
  }

  private began(id: string, kind: Talk["kind"], isPublic: boolean, userIds: string[]): Talk {
    const created = talk({ id, kind, isPublic }, userIds, Date.now());
    this.talks.push(created);
    this.log.push(`${kind} ${this.talks.length - 1} of ${userIds.join(", ")}`);
    return created;
  }
}

/** Has the object of a conversation leave memory: what it says then is what it has stored. */
async function sleep({ id }: Talk): Promise<void> {
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
