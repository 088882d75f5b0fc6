import type { Submitted } from "../conversation/api.ts";
import type { Command } from "../conversation/decide/types.ts";
import type { Batch, Subscribed } from "../conversation/outbound/subscribers/gateway-api.ts";
import { lacksMethod } from "../conversation/rpc-versions.ts";
import { fail, ok, type Result, unreachable } from "../domain/error.ts";
import type { ConnectionPresence } from "../domain/presence.ts";
import type { Env } from "../env.ts";
import { log } from "../logging.ts";
import { Conversations } from "./conversations.ts";
import type { EncodedEvent, EventEncoder } from "./event-encoder.ts";
import { readEvent, revisionOf } from "./gateway-events.ts";
import { MAX_ROOMS } from "./limits.ts";
import { MissingPages, type MissingPagesOptions } from "./missing-pages.ts";
import { reduce } from "./room-reducer.ts";
import {
  LEFT,
  type RoomEffect,
  type RoomEvent,
  type RoomState,
  revOf,
  storedRoom,
} from "./room-state.ts";
import { TypingCalls } from "./typing-calls.ts";
import { TypingExpiry } from "./typing-expiry.ts";

/** A room as it is stored: a conversation's id, and the revision up to which the client was sent all. */
export type KeptRoom = [conversationId: string, rev: number];

/** The answer to a join. */
export interface Joined extends Pick<Subscribed, "rev" | "online"> {
  /** What the client has is of an earlier epoch: it has to load the conversation anew. */
  reset?: true;
}

export interface RoomsOptions extends MissingPagesOptions {
  env: Env;
  encoder: EventEncoder;
  kept: readonly KeptRoom[];
  /** What conversations are told of the person's presence. */
  presence: () => ConnectionPresence;
  /** Sends messages of the protocol, in order; false when the connection has ended. */
  send: (messages: readonly string[]) => boolean;
  keep: (rooms: KeptRoom[]) => void;
  /** Revisions are missing and cannot be fetched: the client has to reconnect. */
  onBroken: () => void;
  waitUntil: (work: Promise<unknown>) => void;
}

/**
 * The conversations that one connection is in, whatever its protocol: executes what {@link reduce} decides.
 * The client is sent each change once and in order; missing revisions are fetched from the conversation.
 */
export class Rooms {
  private readonly options: RoomsOptions;
  /** Those that are not just {@link LEFT}. */
  private readonly rooms = new Map<string, RoomState>();
  private readonly conversations: Conversations;
  private readonly pages: MissingPages;
  private readonly typingCalls = new TypingCalls();
  private readonly typingExpiry = new TypingExpiry((conversationId, event) => {
    if (!this.isSubscribed(conversationId)) return;
    this.options.send(this.options.encoder.encodeOne({ conversationId, event, note: undefined }));
  });
  private lastJoin = 0;

  constructor(options: RoomsOptions) {
    this.options = options;
    this.conversations = new Conversations(options.env, options.actor);
    this.pages = new MissingPages(options, this.conversations);
    for (const [id, rev] of options.kept) this.rooms.set(id, storedRoom(rev));
  }

  /**
   * Joins a conversation. `since`: the revision that the client has; what is missing since then is sent
   * behind the answer. The answer's `rev` is the one that the client has if it is sent nothing more; with
   * `reset` it is sent nothing of what it missed, and has to load the conversation anew.
   */
  async join(id: string, since?: number): Promise<Result<Joined>> {
    if (!this.isSubscribed(id) && this.joined().length >= MAX_ROOMS) {
      const message = `At most ${MAX_ROOMS} conversations on one connection; leave one.`;
      return fail("rate_limited", { message });
    }
    if (this.conversations.isFull) return fail("unavailable");
    const { actor, address, presence } = this.options;
    const join = ++this.lastJoin;
    this.dispatch(id, { type: "join", id: join, since });
    const answer = await this.conversations
      .ask(id, (stub) => stub.subscribe(actor, { ...address, presence: presence() }))
      .catch((error) => {
        this.dispatch(id, { type: "joinFailed", id: join });
        throw error;
      });
    if (!answer.ok) {
      this.dispatch(id, { type: "joinRefused", id: join });
      return answer;
    }
    const { rev: newest, online, beganAt } = answer.value;
    const { rev, isReset } = this.dispatch(id, { type: "joined", id: join, rev: newest, beganAt });
    if (rev === undefined) return fail("not_a_member");
    return ok({ rev, online, ...(isReset && { reset: isReset }) });
  }

  /** Tells all conversations of the person's presence; rejects where one cannot be told. */
  async tellPresence(presence: ConnectionPresence): Promise<void> {
    const { userId } = this.options.actor;
    await Promise.all(
      this.joined().map((id) =>
        this.conversations
          .ask(id, (stub) => stub.presenceOf(userId, presence))
          .catch((error: unknown) => {
            // One of the previous version shows everybody who has joined it.
            if (!lacksMethod(error, "presenceOf")) throw error;
          }),
      ),
    );
  }

  async leave(id: string): Promise<void> {
    if (!this.isSubscribed(id)) return;
    this.dispatch(id, { type: "leave" });
    await this.conversations.ask(id, (stub) => stub.unsubscribe(this.options.address.gateway));
  }

  /** The connection has ended: unsubscribes from every conversation. */
  leaveAll(): void {
    for (const id of this.joined()) {
      this.options.waitUntil(this.leave(id).catch((error) => this.failed(id, error)));
    }
  }

  /** Takes what a commit changed; false when the connection is not in the conversation, or has ended. */
  deliver(batch: Batch): boolean {
    const { conversationId: id, lines, last } = batch;
    if (!this.isSubscribed(id)) return false;
    if (!last) return this.dispatch(id, { type: "batch", batch }).isAlive;
    const line = lines.at(-1);
    const removal = line === undefined ? undefined : revisionOf(readEvent(line));
    return this.dispatch(id, { type: "removed", batch, removal }).isAlive;
  }

  /** Takes an event that has no revision; false as above. */
  deliverEphemeral(conversationId: string, line: string): boolean {
    if (!this.isSubscribed(conversationId)) return false;
    const event = this.options.encoder.ephemeral(conversationId, line);
    return !event || this.dispatch(conversationId, { type: "ephemeral", event }).isAlive;
  }

  isSubscribed(id: string): boolean {
    return (this.rooms.get(id) ?? LEFT).phase !== "left";
  }

  /** Has a conversation carry out a command. */
  async submit(id: string, command: Command, readers = false): Promise<Submitted> {
    if (this.conversations.isFull) {
      return { result: fail("unavailable"), listed: false, readers: [] };
    }
    return this.conversations.submit(id, { command, readers });
  }

  /** Has a conversation broadcast that the user types or stopped, unless that was just sent. */
  async typing(id: string, active: boolean): Promise<Result<null>> {
    if (this.conversations.isFull) return fail("unavailable");
    const { actor } = this.options;
    return this.typingCalls.unlessRepeated(id, active, Date.now(), () =>
      this.conversations.ask(id, (stub) => stub.typing(actor, active)),
    );
  }

  private joined(): string[] {
    return [...this.rooms.keys()].filter((id) => this.isSubscribed(id));
  }

  /** `introduced`: of the catch-up that the event belongs to; see {@link EventEncoder.pageMessages}. */
  private dispatch(
    id: string,
    event: RoomEvent,
    introduced?: Set<number>,
  ): { isAlive: boolean; rev: number | undefined; isReset: true | undefined } {
    const before = this.rooms.get(id) ?? LEFT;
    const { state, effects, answer: rev, isReset } = reduce(before, event);
    if (state.phase === "left" && state.joins.length === 0) this.rooms.delete(id);
    else this.rooms.set(id, state);
    const isAlive = effects.every((effect) => this.tryExecute(id, effect, introduced));
    if (isAlive && revOf(state) !== revOf(before)) this.save();
    return { isAlive, rev, isReset };
  }

  /** An effect that fails leaves the client without something that its revision says it has. */
  private tryExecute(id: string, effect: RoomEffect, introduced?: Set<number>): boolean {
    try {
      return this.execute(id, effect, introduced);
    } catch (error) {
      this.failed(id, error);
      this.options.onBroken();
      return false;
    }
  }

  /** False when the connection has ended. */
  private execute(id: string, effect: RoomEffect, introduced?: Set<number>): boolean {
    const { encoder, actor, send } = this.options;
    switch (effect.type) {
      case "send": {
        const { batch, after } = effect;
        return send(
          introduced
            ? encoder.pageMessages(batch, after, introduced)
            : encoder.messagesOf(batch, after),
        );
      }
      case "sendEphemeral":
        return this.sendEphemeral(id, effect.events);
      case "sendExpelled": {
        const event = { type: "expelled", userId: actor.userId, rev: effect.rev } as const;
        return send(encoder.encodeOne({ conversationId: id, event, note: undefined }));
      }
      case "awaitAnswered":
        // The client is sent the answer in this turn.
        setTimeout(() => {
          this.dispatch(id, { type: "answered", generation: effect.generation });
        }, 0);
        return true;
      case "requestPage":
        this.options.waitUntil(this.requestPage(id, effect, introduced ?? new Set()));
        return true;
      case "disconnect":
        this.options.onBroken();
        return false;
      default:
        return unreachable(effect);
    }
  }

  private sendEphemeral(id: string, events: readonly EncodedEvent[]): boolean {
    for (const { event } of events) {
      if (event.type === "typing") this.typingExpiry.follow(id, event);
    }
    return this.options.send(events.flatMap(({ messages }) => messages));
  }

  private async requestPage(
    id: string,
    { generation, since, known }: Extract<RoomEffect, { type: "requestPage" }>,
    introduced: Set<number>,
  ): Promise<void> {
    const event = await this.pages
      .fetch(id, since, known)
      .then((page): RoomEvent => {
        return page.ok
          ? { type: "page", generation, batch: page.value }
          : { type: "pageRefused", generation };
      })
      .catch((error): RoomEvent => {
        this.failed(id, error);
        return { type: "pageFailed", generation };
      });
    this.dispatch(id, event, introduced);
  }

  private save(): void {
    this.options.keep(
      [...this.rooms].flatMap(([id, state]): KeptRoom[] => {
        const rev = revOf(state);
        return rev === undefined ? [] : [[id, rev]];
      }),
    );
  }

  private failed(conversationId: string, error: unknown): void {
    log("conversation_failed", { conversationId, error });
  }
}
