import { DurableObject } from "cloudflare:workers";
import { z } from "zod";
import { type ConnectionIdentity, identitySchema } from "../conversation/identity.ts";
import { close } from "../conversation/outbound/sockets/socket.ts";
import type {
  Batch,
  GatewayStub,
  Protocol,
} from "../conversation/outbound/subscribers/gateway-api.ts";
import { answerPreviousNames, PREVIOUS_GATEWAY_METHODS } from "../conversation/rpc-versions.ts";
import { LeakyBucket, Violations } from "../domain/budget.ts";
import type { Actor } from "../domain/policy.ts";
import { type Env, type Settings, settingsOf } from "../env.ts";
import { CLOSE, SILENCE_MS } from "../live/version.ts";
import { log } from "../logging.ts";
import type { GatewayEvent } from "./gateway-events.ts";
import { type Admission, COMMANDS, type Limit, MAX_ROOMS } from "./limits.ts";
import { Rooms } from "./rooms.ts";

/** What a socket's attachment keeps over hibernation: all that there is to remember of a connection. */
const attachment = z.object({
  /** `pending`: the protocol's own handshake has not been made on this socket. */
  stage: z.enum(["pending", "open"]),
  seat: identitySchema.nullable(),
  rooms: z.array(z.tuple([z.string(), z.number()])),
  /** When it last said something, other than by the heartbeat. */
  heardAt: z.number(),
  /** Joins that do not count: who comes back joins everything that they were in at once. */
  freeJoins: z.number().default(MAX_ROOMS),
});
type Attachment = z.infer<typeof attachment>;

/** How long a client has to say who it is. Until then nothing is stored, so a timer waits for it. */
const HANDSHAKE_MS = 15_000;

/** Why a connection is ended by this side. */
export type Ending = "expired" | "broken" | "silent" | "abusive";

/** The same functions as the stub's; answers that need no waiting are given at once. */
type Rpc = { [Name in keyof GatewayStub]: (...p: Parameters<GatewayStub[Name]>) => boolean };

/**
 * One connection of a client that joins many conversations over it: what all such protocols share. It
 * stores nothing; whatever must survive hibernation is in the attachment of its one socket.
 */
export abstract class Gateway extends DurableObject<Env> implements Rpc {
  protected readonly settings: Settings;
  /** The socket, once the client has one. */
  protected socket: WebSocket | undefined;
  protected rooms: Rooms | undefined;
  protected kept: Attachment = {
    ...{ stage: "pending" as const, seat: null, rooms: [], heardAt: 0 },
    freeJoins: MAX_ROOMS,
  };
  private readonly protocol: Protocol;
  private handshake: ReturnType<typeof setTimeout> | undefined;
  private readonly commands = new LeakyBucket(COMMANDS);
  private readonly violations = new Violations();

  constructor(ctx: DurableObjectState, env: Env, protocol: Protocol, heartbeat: [string, string]) {
    super(ctx, env);
    const settings = settingsOf(env);
    if (settings instanceof Error) throw settings;
    this.settings = settings;
    this.protocol = protocol;
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(...heartbeat));
    for (const socket of ctx.getWebSockets()) {
      const parsed = attachment.safeParse(socket.deserializeAttachment());
      // One that was not open yet has lost what it was waiting for.
      if (!parsed.success || parsed.data.stage === "pending" || !parsed.data.seat) {
        close(socket, CLOSE.goingAway, "please reconnect");
        continue;
      }
      this.socket = socket;
      this.kept = parsed.data;
      this.rooms = this.roomsOf(parsed.data.seat);
    }
  }

  /** Who the person at a seat is here, and what they reach. */
  protected abstract actorOf(seat: ConnectionIdentity): Actor;
  /** What the client is told of something, each a message of the protocol. */
  protected abstract present(told: GatewayEvent): string[];
  protected abstract send(messages: readonly string[]): void;
  /** Resolves when the client has taken what waits for it; `undefined`: it has, as far as is known. */
  protected drained(): Promise<void> | undefined {
    return undefined;
  }
  /** Tells the client why, and ends the connection. */
  protected abstract end(why: Ending): void;

  deliver(batch: Batch): boolean {
    return this.rooms?.deliver(batch) ?? false;
  }

  deliverEphemeral(conversationId: string, line: string): boolean {
    return this.rooms?.deliverEphemeral(conversationId, line) ?? false;
  }

  isSubscribed(conversationId: string): boolean {
    return (this.rooms?.isSubscribed(conversationId) && this.isActive()) ?? false;
  }

  /** Takes a socket in for hibernation. */
  protected accept(stage: Attachment["stage"]): Response {
    const [client, server] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
    this.ctx.acceptWebSocket(server);
    server.serializeAttachment({ ...this.kept, stage, heardAt: Date.now() } satisfies Attachment);
    this.opened(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  protected abstract opened(socket: WebSocket): void;

  /** The connection is this person's from now on. */
  protected authenticated(seat: ConnectionIdentity): Rooms {
    clearTimeout(this.handshake);
    this.keep({ seat });
    this.rooms = this.roomsOf(seat);
    return this.rooms;
  }

  protected keep(change: Partial<Attachment>): void {
    this.kept = { ...this.kept, ...change };
    this.socket?.serializeAttachment(this.kept);
  }

  /** Ends a connection on which nobody says who they are in time. */
  protected awaitHandshake(giveUp: () => void): void {
    clearTimeout(this.handshake);
    this.handshake = setTimeout(giveUp, HANDSHAKE_MS);
  }

  /** The connection is over, whoever ended it. */
  protected closed(): void {
    clearTimeout(this.handshake);
    const { rooms } = this;
    this.rooms = undefined;
    this.socket = undefined;
    rooms?.leaveAll();
  }

  /** Whether the client may be told something; one whose token has expired or who is silent goes. */
  protected isActive(): boolean {
    const { seat } = this.kept;
    if (!this.rooms || !seat) return false;
    const silent = this.silence() > SILENCE_MS;
    if (seat.expiresAt > Date.now() && !silent) return true;
    this.end(silent ? "silent" : "expired");
    return false;
  }

  /** The client has said something. */
  protected noteActivity(): void {
    this.keep({ heardAt: Date.now() });
  }

  /** Milliseconds since the client was last heard of, by heartbeat or otherwise. */
  protected silence(): number {
    const { socket } = this;
    const pinged = socket && this.ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime();
    return Date.now() - Math.max(pinged ?? 0, this.kept.heardAt);
  }

  /**
   * Counts what a client asks for against the connection's own rate, before anything is asked of a
   * conversation. The first 100 joins are free; sends are, where `REQUEST_LIMITS` is off. Of what comes
   * beyond the rate the first in a second is to be refused and the others ignored; a connection that goes
   * on is ended.
   */
  protected admit(limit: Limit): Admission {
    if (limit === "send" && !this.settings.REQUEST_LIMITS) return "accept";
    const { freeJoins } = this.kept;
    if (limit === "join" && freeJoins > 0) {
      this.keep({ freeJoins: freeJoins - 1 });
      return "accept";
    }
    const now = Date.now();
    if (this.commands.take(1, now)) return "accept";
    const penalty = this.violations.add(now);
    if (penalty !== "end") return penalty;
    this.end("abusive");
    return "ignore";
  }

  /** Does something that no request waits for; what fails is a bug, and logged. */
  protected inBackground(work: Promise<unknown>): void {
    this.ctx.waitUntil(work.catch((error) => log("gateway_failed", { error })));
  }

  private roomsOf(seat: ConnectionIdentity): Rooms {
    const gateway = this.ctx.id.name;
    if (gateway === undefined) throw new Error("gateways are addressed by name");
    return new Rooms({
      env: this.env,
      actor: this.actorOf(seat),
      address: { gateway, protocol: this.protocol, origin: seat.origin },
      kept: this.kept.rooms,
      send: (told) => this.sendEvents(told),
      drained: () => this.drained(),
      keep: (rooms) => this.keep({ rooms }),
      onBroken: () => this.end("broken"),
      waitUntil: (work) => this.inBackground(work),
    });
  }

  private sendEvents(told: readonly GatewayEvent[]): boolean {
    if (!this.isActive()) return false;
    const messages = told.flatMap((one) => this.present(one));
    if (messages.length > 0) this.send(messages);
    return true;
  }
}

answerPreviousNames(Gateway, PREVIOUS_GATEWAY_METHODS);
