import { IDENTITY_HEADER } from "../../../conversation/api.ts";
import {
  actorOf,
  type ConnectionIdentity,
  identitySchema,
} from "../../../conversation/identity.ts";
import { close } from "../../../conversation/outbound/sockets/socket.ts";
import { ERRORS, fail, type Result, unreachable } from "../../../domain/error.ts";
import type { Actor } from "../../../domain/policy.ts";
import type { Env } from "../../../env.ts";
import { failedCall } from "../../../gateway/conversations.ts";
import { EventEncoder } from "../../../gateway/event-encoder.ts";
import { type EndReason, Gateway, type GatewayProtocol } from "../../../gateway/gateway.ts";
import { tooLarge } from "../../../live/frames.ts";
import {
  callOf,
  closeOf,
  failureOf,
  type HubMessage,
  handshakeAnswer,
  PING,
  readHandshake,
  readMessages,
  resultOf,
} from "./hub-protocol.ts";
import { methodNamed } from "./methods.ts";
import { present, presentUpdate } from "./present.ts";

const SIGNALR: GatewayProtocol = {
  name: "signalr",
  heartbeat: [PING, PING],
  encoder: new EventEncoder((event) =>
    present(event).map(([method, argument]) => callOf(method, argument)),
  ),
  encodeRow: (row) => callOf(...presentUpdate(row)),
};

/** Why a connection is closed, for its client. */
const CLOSE_ERRORS: Record<EndReason, string> = {
  expired: ERRORS.unauthenticated[1],
  broken: ERRORS.unavailable[1],
  silent: "Nothing was heard for 90 seconds.",
  abusive: ERRORS.rate_limited[1],
  banned: ERRORS.banned[1],
};

/** A connection of a SignalR client to `/hubs/chat`. Pings are answered while the object hibernates. */
export class SignalRGateway extends Gateway {
  /** The only connection of this object was opened. */
  private isUsed = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, SIGNALR);
  }

  /** Accepts the socket of a verified person: the Worker's upgrade, and the only request there is. */
  override fetch(request: Request): Response {
    const header = request.headers.get(IDENTITY_HEADER);
    const parsed = identitySchema.parse(JSON.parse(decodeURIComponent(header ?? "null")));
    // The id is for one connection, and calls of an earlier one may still be on their way.
    if (this.socket || this.isUsed) return new Response("connected already\n", { status: 409 });
    this.isUsed = true;
    this.keep({ seat: parsed });
    return this.accept("pending");
  }

  override async webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    if (socket !== this.socket) return;
    this.noteActivity();
    if (typeof data !== "string" || tooLarge(data)) {
      this.close("A message is text of at most 64 KiB.", false);
    } else if (this.kept.stage === "pending") {
      // What comes behind the handshake waits for it.
      await this.ctx.blockConcurrencyWhile(() => this.handshake(data));
    } else if (this.isActive()) {
      this.receive(data);
    }
  }

  override webSocketClose(socket: WebSocket, code: number): void {
    this.restoreClosed(socket);
    if (socket === this.socket) this.closed();
    // 1005 and 1006 say that there was no code; they cannot be sent.
    close(socket, code === 1005 || code === 1006 ? 1000 : code, "");
  }

  override webSocketError(socket: WebSocket): void {
    this.webSocketClose(socket, 1006);
  }

  protected opened(socket: WebSocket): void {
    this.socket = socket;
    this.keep({ stage: "pending", heardAt: Date.now() });
    this.awaitHandshake(() => this.refuse("The handshake was not made in time."));
  }

  protected actorOf(identity: ConnectionIdentity): Actor {
    return actorOf(identity);
  }

  /** Sends messages in one frame. */
  protected send(messages: readonly string[]): void {
    try {
      this.socket?.send(messages.join(""));
    } catch {
      this.drop();
    }
  }

  protected end(reason: EndReason): void {
    this.close(CLOSE_ERRORS[reason], reason !== "banned");
  }

  private async handshake(data: string): Promise<void> {
    const read = readHandshake(data);
    const { seat: identity } = this.kept;
    if (!read.ok || !identity) {
      this.refuse(read.ok ? CLOSE_ERRORS.expired : read.error);
      return;
    }
    if (await this.isBanned(identity)) {
      this.refuse(CLOSE_ERRORS.banned);
      return;
    }
    this.keep({ stage: "open" });
    this.authenticated(identity);
    this.send([handshakeAnswer()]);
    if (read.value.rest !== "" && this.isActive()) this.receive(read.value.rest);
  }

  private receive(data: string): void {
    const read = readMessages(data);
    if (!read.ok) {
      this.close(`Connection closed with an error: ${read.error}`, false);
      return;
    }
    for (const message of read.value) {
      if (!this.rooms) return;
      this.handle(message);
    }
    if (this.rooms && read.value.some(({ type }) => type === "ping")) {
      // One answer, however many pings. One that is sent alone is answered without waking the object.
      this.send([PING]);
    }
  }

  private handle(message: HubMessage): void {
    switch (message.type) {
      case "invocation":
        this.inBackground(this.invoke(message));
        break;
      case "stream": {
        const admission = this.admit("command");
        if (message.id === undefined || admission === "ignore") break;
        const error = `No method of this hub has streams, '${message.target}' neither.`;
        const refusal = admission === "refuse" ? ERRORS.rate_limited[1] : error;
        this.send([failureOf(message.id, refusal)]);
        break;
      }
      case "ping":
      case "other":
        this.admit("command");
        break;
      case "close":
        this.drop();
        break;
      default:
        unreachable(message);
    }
  }

  private async invoke({
    target,
    id,
    arguments: args,
  }: Extract<HubMessage, { type: "invocation" }>): Promise<void> {
    const method = methodNamed(target);
    const admission = this.admit(method?.limit ?? "command");
    const { rooms, settings } = this;
    const { seat } = this.kept;
    if (admission === "ignore" || !rooms || !seat) return;
    // A call that asks for no answer gets a ping: the public client sends no pings while it
    // sends calls, and closes the connection when it receives nothing.
    const answer = (message: (id: string) => string) =>
      this.send([id === undefined ? PING : message(id)]);
    if (!method && admission === "accept") {
      return answer((id) => failureOf(id, `Unknown hub method '${target}'.`));
    }
    const result: Result<unknown> =
      method && admission === "accept"
        ? await method
            .call({ rooms, settings, inbox: this.inboxOf(seat) }, args)
            .catch((error) => ({ ok: false, error: failedCall(error) }) as const)
        : fail("rate_limited");
    // The token may have expired meanwhile: then nothing more is sent.
    if (!this.isActive()) return;
    answer((id) => (result.ok ? resultOf(id, result.value) : failureOf(id, result.error.message)));
  }

  /** Before the handshake there are no messages: the refusal is its answer. */
  private refuse(error: string): void {
    this.send([handshakeAnswer(error)]);
    this.drop();
  }

  private close(error: string, allowReconnect: boolean): void {
    if (this.kept.stage === "pending") this.refuse(error);
    else {
      this.send([closeOf(error, allowReconnect)]);
      this.drop();
    }
  }

  private drop(): void {
    const { socket } = this;
    this.closed();
    if (!socket) return;
    // One that never answers the close stays among the object's sockets: it must not be restored.
    socket.serializeAttachment(null);
    close(socket, 1000, "");
  }
}
