import type { Submitted } from "../conversation/api.ts";
import type { Command } from "../conversation/decide/types.ts";
import type {
  Batch,
  GatewayAddress,
  Subscribed,
} from "../conversation/outbound/subscribers/gateway-api.ts";
import { fail, ok, type Result } from "../domain/error.ts";
import type { Actor } from "../domain/policy.ts";
import type { Env } from "../env.ts";
import type { ServerEvent } from "../live/events.ts";
import { log } from "../logging.ts";
import { CatchUpPace } from "./catch-up-pace.ts";
import { Conversations } from "./conversations.ts";
import { type GatewayEvent, gatewayEventsOf, parsedEvents, removalIn } from "./gateway-events.ts";
import { MAX_ROOMS } from "./limits.ts";
import { joining, placeOf, type Room, roomAt, UNPLACED } from "./room.ts";
import { TypingCalls } from "./typing-calls.ts";
import { Typists } from "./typists.ts";

/** A room as it is kept: a conversation's id, and the revision up to which the client was told. */
export type KeptRoom = [conversationId: string, rev: number];

export interface RoomsOptions {
  env: Env;
  actor: Actor;
  address: GatewayAddress;
  kept: readonly KeptRoom[];
  /** Gives the client what happened, in order; false when there is no client any more. */
  send: (told: GatewayEvent[]) => boolean;
  /** Resolves when the client has taken what it was given; `undefined`: it has. */
  drained: () => Promise<void> | undefined;
  keep: (rooms: KeptRoom[]) => void;
  /** Something was missed and could not be asked for: the client is to connect anew. */
  onBroken: () => void;
  waitUntil: (work: Promise<unknown>) => void;
}

/**
 * The conversations that one connection listens to, whatever its protocol. It tells the client of each
 * change once and in order; where a revision is missing it asks the conversation what it missed.
 */
export class Rooms {
  private readonly options: RoomsOptions;
  private readonly rooms = new Map<string, Room>();
  private readonly conversations: Conversations;
  private readonly pace = new CatchUpPace();
  private readonly typingCalls = new TypingCalls();
  private readonly typists = new Typists((id, event) => {
    if (this.rooms.has(id)) this.sendEphemeral(id, [event]);
  });

  constructor(options: RoomsOptions) {
    this.options = options;
    this.conversations = new Conversations(options.env, options.actor);
    for (const [id, rev] of options.kept) {
      this.rooms.set(id, roomAt(rev));
    }
  }

  /**
   * Listens to a conversation. `since`: the last revision that the client was told of; what it missed
   * follows the answer. The answer's `rev` is where a client would go on that is told nothing more.
   */
  async join(id: string, since?: number): Promise<Result<Subscribed>> {
    const before = this.rooms.get(id);
    if (!before && this.rooms.size >= MAX_ROOMS) {
      const message = `At most ${MAX_ROOMS} conversations on one connection; leave one.`;
      return fail("rate_limited", { message });
    }
    if (this.conversations.isFull) return fail("unavailable");
    const room = joining(since, before);
    this.rooms.set(id, room);
    const { actor, address } = this.options;
    const answer = await this.conversations
      .ask(id, (stub) => stub.subscribe(actor, address))
      .catch((error) => {
        this.stay(id, room, before);
        throw error;
      });
    if (!answer.ok) {
      if (this.rooms.get(id) === room) this.rooms.delete(id);
      this.save();
      return answer;
    }
    const { rev, online } = answer.value;
    if (room.over !== undefined && rev < room.over) {
      // Removed since, and told so: the answer is of before.
      if (this.rooms.get(id) === room) this.rooms.delete(id);
      this.save();
      return fail("not_a_member");
    }
    room.rev = Math.min(since ?? before?.rev ?? rev, rev);
    room.target = Math.max(room.target, rev);
    if (this.rooms.get(id) === room) {
      this.save();
      this.catchUp(id, room);
      // Whoever asked is answered in this turn.
      setTimeout(() => this.release(id, room), 0);
    }
    return ok({ rev: room.rev, online });
  }

  /**
   * A join failed of itself: whoever was in the room before is where they were, and misses nothing. That
   * is also where a join on the heels of this one goes on from.
   */
  private stay(id: string, room: Room, before: Room | undefined): void {
    if (before) {
      room.rev = before.rev;
      room.target = Math.max(room.target, before.target);
    }
    if (this.rooms.get(id) !== room) return;
    if (room.rev === UNPLACED || room.over !== undefined) this.rooms.delete(id);
    else this.catchUp(id, room);
    this.release(id, room);
  }

  /** Listens no more. */
  async leave(id: string): Promise<void> {
    if (!this.rooms.delete(id)) return;
    this.save();
    await this.conversations.ask(id, (stub) => stub.unsubscribe(this.options.address.gateway));
  }

  /** The connection is over: no conversation is to wait for it. */
  leaveAll(): void {
    for (const id of [...this.rooms.keys()]) {
      const left = this.leave(id);
      this.options.waitUntil(left.catch((error) => this.failed(id, error)));
    }
  }

  /** Takes what a commit changed; false when the room was left. */
  deliver(batch: Batch): boolean {
    const { conversationId: id, from, to } = batch;
    const room = this.answered(id);
    if (!room) return false;
    if (batch.last) {
      // One that was overtaken by a new join, after a new addition, says nothing of that.
      if (to > room.target) this.expel(id, room, batch);
    } else if (to > room.rev && !room.busy && from <= room.rev) {
      return this.apply(batch, room);
    } else {
      room.target = Math.max(room.target, to);
      if (!room.busy) this.catchUp(id, room);
    }
    return true;
  }

  /** Takes an event that has no revision. */
  deliverEphemeral(conversationId: string, line: string): boolean {
    const room = this.answered(conversationId);
    if (!room) return false;
    const events = parsedEvents([line]);
    if (!room.held) return this.sendHeld(conversationId, events);
    for (const event of events) room.held.add(event);
    return true;
  }

  isSubscribed(id: string): boolean {
    return this.rooms.has(id);
  }

  /** Has a conversation carry out a command. */
  async submit(id: string, command: Command, readers = false): Promise<Submitted> {
    if (this.conversations.isFull) {
      return { result: fail("unavailable"), listed: false, readers: [] };
    }
    return this.conversations.submit(id, { command, readers });
  }

  /** Has the others told that the person types, or not any more; what they know is not told again. */
  async typing(id: string, active: boolean): Promise<Result<null>> {
    if (this.conversations.isFull) return fail("unavailable");
    const { actor } = this.options;
    return this.typingCalls.unlessRepeated(id, active, Date.now(), () =>
      this.conversations.ask(id, (stub) => stub.typing(actor, active)),
    );
  }

  /** A room, as a call finds it: a join that has its answer gave it in an earlier turn. */
  private answered(id: string): Room | undefined {
    const room = this.rooms.get(id);
    if (room && room.rev !== UNPLACED) this.release(id, room);
    return room;
  }

  private release(id: string, room: Room): void {
    const held = room.held?.all() ?? [];
    room.held = undefined;
    if (this.rooms.get(id) === room && held.length > 0) this.sendHeld(id, held);
  }

  private sendHeld(conversationId: string, events: readonly ServerEvent[]): boolean {
    for (const event of events) {
      if (event.type === "typing") this.typists.follow(conversationId, event);
    }
    return this.sendEphemeral(conversationId, events);
  }

  /** Tells the client of events that have no revision. */
  private sendEphemeral(conversationId: string, events: readonly ServerEvent[]): boolean {
    return this.options.send(events.map((event) => ({ conversationId, event, note: undefined })));
  }

  /** Tells the client that its person is not a member any more, and with a batch what led to it. */
  private expel(id: string, room: Room, batch?: Batch): void {
    // A join that waits for its answer learns by that whether it came before or after the removal.
    if (room.rev !== UNPLACED) this.rooms.delete(id);
    room.over = batch?.to ?? room.rev;
    room.target = Math.max(room.target, room.over);
    // What comes before a gap cannot be asked for any more.
    const told =
      batch && !room.busy && batch.from <= room.rev ? gatewayEventsOf(batch, room.rev) : [];
    if (told.length === 0) {
      const { userId } = this.options.actor;
      const rev = Math.min(placeOf(room) ?? UNPLACED, batch ? removalIn(batch) : UNPLACED);
      told.push({ conversationId: id, event: { type: "expelled", userId, rev }, note: undefined });
    }
    this.options.send(told);
    this.save();
  }

  private apply(batch: Batch, room: Room, introduced?: Set<number>): boolean {
    const alive = this.options.send(gatewayEventsOf(batch, room.rev, introduced));
    room.rev = batch.to;
    if (alive) this.save();
    return alive;
  }

  /** Asks for what was missed, page by page, until nothing is. */
  private catchUp(id: string, room: Room): void {
    room.busy = true;
    const work = this.caughtUp(id, room).catch((error) => {
      this.failed(id, error);
      this.options.onBroken();
    });
    this.options.waitUntil(work);
  }

  private async caughtUp(id: string, room: Room): Promise<void> {
    const known = room.rev;
    const introduced = new Set<number>();
    while (this.rooms.get(id) === room && room.rev < room.target) {
      const since = room.rev;
      const page = await this.pace.page(() => this.pageSince(id, since, known));
      if (this.rooms.get(id) !== room) return;
      if (!page.ok) {
        // Not a member any more: what a last batch says, or would have said.
        this.expel(id, room);
        return;
      }
      if (!this.apply(page.value, room, introduced)) return;
      // There is nothing after it: the target was of another life of the conversation.
      if (room.rev <= since) break;
    }
    room.busy = false;
  }

  /** A page of what was missed, once the client has taken what it was given before. */
  private async pageSince(id: string, since: number, known: number): Promise<Result<Batch>> {
    const { actor, address, drained } = this.options;
    const page = await this.conversations.ask(id, (stub) =>
      stub.eventsSince(actor, since, known, address.origin),
    );
    // No more than a page waits for a client that polls, in however many rooms it missed something.
    for (let until = drained(); until; until = drained()) await until;
    return page;
  }

  private save(): void {
    const kept = [...this.rooms].flatMap(([id, { rev }]): KeptRoom[] =>
      rev === UNPLACED ? [] : [[id, rev]],
    );
    this.options.keep(kept);
  }

  private failed(conversationId: string, error: unknown): void {
    log("conversation_failed", { conversationId, error });
  }
}
