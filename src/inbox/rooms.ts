import { Buffer } from "node:buffer";
import type { ConversationStub } from "../conversation/api.ts";
import { actorOf } from "../conversation/identity.ts";
import { TypingThrottle } from "../conversation/outbound/sockets/typing-throttle.ts";
import type { Batch } from "../conversation/outbound/subscribers/gateway-api.ts";
import { inboxAddress } from "../conversation/outbound/subscribers/inbox-address.ts";
import { type ChatError, chatError } from "../domain/error.ts";
import type { ConnectionPresence } from "../domain/presence.ts";
import { LIMITER_PERIOD_MS } from "../edge/limiter.ts";
import { CatchUpPace } from "../gateway/catch-up-pace.ts";
import { MAX_ROOMS } from "../gateway/limits.ts";
import type { ClientFrame, FrameId } from "../live/frames.ts";
import { CLOSE } from "../live/version.ts";
import { errorEventOf } from "../live/wire.ts";
import type { Connection } from "./connections.ts";
import { type KeptRoom, keptRooms, keptText } from "./kept-rooms.ts";
import { Room } from "./room.ts";
import { OPENING, storedRoom } from "./room-state.ts";
import { closedLine, wrapped } from "./room-wire.ts";

/** Frames of one socket that wait for their conversations at most. */
const MAX_BACKLOG = 1_000;
/** What a conversation is closed with by its client. */
const CLOSED_BY_CLIENT = { code: 1_000, reason: "closed by the client" };

export interface Opening {
  conversationId: string;
  id: FrameId;
  since: number | undefined;
  epoch: string | undefined;
}

export interface RoomsOptions {
  connection: Connection;
  /** What conversations are told of the user's presence. */
  presence: () => ConnectionPresence;
  /** Where links begin. */
  origin: string;
  /** Makes a call; those of one conversation arrive in order. */
  call: <T>(id: string, question: (stub: ConversationStub) => Promise<T>) => Promise<T>;
  /** Whether the person may open a conversation once more. */
  mayOpen: (conversationId: string) => Promise<boolean>;
  /** Sends a frame. */
  send: (frame: string) => void;
  /** Lines of a conversation as one frame. */
  frameOf: (conversationId: string, lines: readonly string[]) => string;
  /** Ends the socket. */
  onAbuse: (code: number, reason: string) => void;
  /** A conversation is not open over this socket any more; the inbox may still be subscribed. */
  onReleased: (conversationId: string, gateway: string) => void;
  keep: (rooms: string) => void;
}

/** The conversations that are open over one inbox socket. */
export class Rooms {
  private readonly options: RoomsOptions;
  private readonly rooms = new Map<string, Room>();
  private readonly pace = new CatchUpPace();
  private readonly typing = new TypingThrottle();
  private isSaving = false;

  constructor(options: RoomsOptions) {
    this.options = options;
    for (const kept of keptRooms(options.connection.rooms)) this.restore(kept);
  }

  /** The conversation that is open, by its id. */
  of(conversationId: string): Room | undefined {
    return this.rooms.get(conversationId);
  }

  conversationIds(): string[] {
    return [...this.rooms.keys()];
  }

  /** Opens a conversation; one that is open is closed first. */
  open(opening: Opening): void {
    const { conversationId: id } = opening;
    this.rooms.get(id)?.end();
    this.rooms.delete(id);
    if (this.rooms.size >= MAX_ROOMS) {
      const message = `At most ${MAX_ROOMS} conversations on one connection; close one.`;
      this.refuse(opening, chatError("rate_limited", { message }));
      this.closed(id, CLOSE.abuse, "too many conversations", opening.id);
      return;
    }
    void this.start(this.add(id, OPENING, opening.id), opening);
  }

  /** Closes a conversation, which may not be open. */
  close(conversationId: string, id: FrameId, why = CLOSED_BY_CLIENT): void {
    const room = this.rooms.get(conversationId);
    room?.end();
    this.rooms.delete(conversationId);
    this.closed(conversationId, why.code, why.reason, id);
    if (room) this.options.onReleased(conversationId, room.gateway);
    this.save();
  }

  /** Has a conversation carry out a frame; one that is not open refuses it. */
  submit(conversationId: string, frame: ClientFrame): void {
    const room = this.rooms.get(conversationId);
    const { budget } = this.options.connection;
    if (!room) {
      const message = "The conversation is not open on this socket.";
      this.error(conversationId, chatError("invalid_frame", { message }), frame.id);
    } else if (this.backlog >= MAX_BACKLOG) {
      this.error(conversationId, chatError("rate_limited", { retryAfterMs: 1_000 }), frame.id);
      if (budget.refusedSend(Date.now())) this.options.onAbuse(CLOSE.abuse, "too many commands");
    } else if (
      frame.op !== "typing" ||
      this.typing.allows(conversationId, frame.active, Date.now())
    ) {
      room.submit(frame);
    }
  }

  /** Takes what a commit changed; false where the conversation is not open. */
  deliver(gateway: string, batch: Batch): boolean {
    const room = this.subscribed(gateway, batch.conversationId);
    room?.deliver(batch);
    return room !== undefined && this.subscribed(gateway, batch.conversationId) === room;
  }

  /** Takes an event without a revision; false as above. */
  deliverEphemeral(gateway: string, conversationId: string, line: string): boolean {
    this.subscribed(gateway, conversationId)?.deliverEphemeral(line);
    return this.isSubscribed(gateway, conversationId);
  }

  isSubscribed(gateway: string, conversationId: string): boolean {
    return this.subscribed(gateway, conversationId) !== undefined;
  }

  /** The socket has ended. */
  endAll(): void {
    const all = [...this.rooms];
    this.rooms.clear();
    for (const [id, room] of all) {
      room.end();
      this.options.onReleased(id, room.gateway);
    }
  }

  /**
   * Refuses a frame. Where the conversation is not open, the error is not wrapped: a client that opens it
   * again meanwhile would take it for an answer of the new opening.
   */
  error(conversationId: string, error: ChatError, id: FrameId): void {
    const event = errorEventOf(error, id);
    const isOpen = this.rooms.has(conversationId);
    if (isOpen) this.options.send(wrapped(conversationId, JSON.stringify(event)));
    else this.options.send(JSON.stringify({ ...event, conversationId }));
  }

  /** Says that a conversation is not open. */
  closed(conversationId: string, code: number, reason: string, id: FrameId): void {
    this.options.send(closedLine(conversationId, code, reason, id));
  }

  private get backlog(): number {
    let frames = 0;
    for (const { backlog } of this.rooms.values()) frames += backlog;
    return frames;
  }

  private subscribed(gateway: string, conversationId: string): Room | undefined {
    const room = this.rooms.get(conversationId);
    return room?.gateway === gateway ? room : undefined;
  }

  private add(id: string, state: ConstructorParameters<typeof Room>[1], answers: FrameId): Room {
    const { connection, origin, call, send, frameOf, onAbuse } = this.options;
    const { identity, features, budget } = connection;
    let openId = answers;
    const room = new Room(
      {
        ...{ conversationId: id, budget, pace: this.pace, onAbuse },
        actor: actorOf(identity),
        address: inboxAddress(identity.userId, { origin, lean: features.includes("reactions") }),
        presence: this.options.presence,
        call: (question) => call(id, question),
        send: (lines) => {
          const [first = "", ...rest] = lines;
          if (openId === undefined) send(frameOf(id, lines));
          else
            send([wrapped(id, first, openId), ...rest.map((line) => wrapped(id, line))].join("\n"));
          openId = undefined;
        },
        onClosed: (code, reason) => {
          this.rooms.delete(id);
          this.closed(id, code, reason, openId);
          this.options.onReleased(id, room.gateway);
          this.save();
        },
        onChanged: () => this.save(),
      },
      state,
    );
    this.rooms.set(id, room);
    return room;
  }

  private async start(room: Room, opening: Opening): Promise<void> {
    const { conversationId: id, since, epoch } = opening;
    const { connection, mayOpen, onAbuse } = this.options;
    const { identity, features, budget } = connection;
    if (!(await mayOpen(id))) {
      const retryAfterMs = LIMITER_PERIOD_MS;
      this.refused(room, opening, chatError("rate_limited", { retryAfterMs }), CLOSE.tryAgainLater);
      return;
    }
    const address = inboxAddress(identity.userId, {
      origin: this.options.origin,
      lean: features.includes("reactions"),
    });
    const answer = await this.pace.paced(
      () =>
        room.called(
          (stub) =>
            stub.openRoom(
              actorOf(identity),
              { ...address, presence: this.options.presence() },
              { since, epoch, features },
            ),
          () => true,
        ),
      (answer) => (answer?.ok ? answer.value.page.frame.length : 0),
    );
    if (!answer || this.rooms.get(id) !== room) return;
    if (!answer.ok) {
      this.refused(room, opening, answer.error, closeCodeOf(answer.error));
      return;
    }
    const { page } = answer.value;
    if (budget.paced(Buffer.byteLength(page.frame), Date.now(), page.to, id)) {
      room.opened(answer.value);
    } else onAbuse(CLOSE.goingAway, "too much asked for on one socket");
  }

  /** A conversation could not be opened. */
  private refused(room: Room, opening: Opening, error: ChatError, code: number): void {
    if (this.rooms.get(opening.conversationId) !== room) return;
    if (error.code === "rate_limited") this.refuse(opening, error);
    room.close(code, reasonOf(error));
  }

  private refuse({ conversationId, id }: Opening, error: ChatError): void {
    this.options.send(wrapped(conversationId, JSON.stringify(errorEventOf(error, id))));
  }

  private restore({ id, phase, rev }: KeptRoom): void {
    const room = this.add(id, phase === "busy" ? OPENING : storedRoom(phase, rev), undefined);
    // Answers to what was under way are lost.
    if (phase === "busy") room.close(CLOSE.goingAway, "please open it again");
  }

  /** Stores what is open, once a turn. */
  private save(): void {
    if (this.isSaving) return;
    this.isSaving = true;
    queueMicrotask(() => {
      this.isSaving = false;
      this.options.keep(keptText([...this.rooms].map(([id, { kept }]) => ({ id, kept }))));
    });
  }
}

function closeCodeOf({ code }: ChatError): number {
  switch (code) {
    case "conversation_not_found":
      return CLOSE.notFound;
    case "not_a_member":
      return CLOSE.notAMember;
    default:
      return CLOSE.abuse;
  }
}

function reasonOf({ code }: ChatError): string {
  switch (code) {
    case "conversation_not_found":
      return "no such conversation";
    case "not_a_member":
      return "not a member";
    default:
      return "too many connections";
  }
}
