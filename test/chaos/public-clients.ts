import { setTimeout as sleep } from "node:timers/promises";
import {
  type HubConnection,
  HubConnectionBuilder,
  HubConnectionState,
  LogLevel,
} from "@microsoft/signalr";
import { io, type Socket } from "socket.io-client";
import {
  PING_INTERVAL_MS,
  PING_TIMEOUT_MS,
} from "../../src/dialects/marketplace/socketio/packets.ts";
import { PATIENCE_MS, PublicClient } from "./public-client.ts";

/** The public clients of both protocols, from npm. */

/**
 * How long a Socket.IO client that starts with polling may need to notice a dead connection. When
 * the socket of its upgrade is cut between the answer to its probe and the end of the poll before
 * it, engine.io-client (6.6.8, `_probe`: `if (failed) return`) stays in its upgrading state: it
 * neither polls nor sends until its heartbeat expires. The server sees no request and cannot help.
 */
const POLLING_PATIENCE_MS = PING_INTERVAL_MS + PING_TIMEOUT_MS + 15_000;

export class SocketIoClient extends PublicClient {
  private readonly startsWithPolling = this.options.random.next() < 0.5;
  override readonly patienceMs = this.startsWithPolling ? POLLING_PATIENCE_MS : 15_000;
  private socket: Socket | undefined;

  get gateway() {
    // Without a connection it has no id.
    const id = this.socket?.id;
    return id === undefined ? undefined : { of: "SOCKETIO", id };
  }

  async connect(): Promise<void> {
    const { url, token } = this.options;
    const socket = io(url, {
      auth: (done) => void token().then((token) => done({ token })),
      forceNew: true,
      reconnectionDelay: 50,
      reconnectionDelayMax: 500,
      // Half of them start with polling, as clients do by default.
      ...(!this.startsWithPolling && { transports: ["websocket"] }),
    });
    this.socket = socket;
    for (const name of ["new-message", "message-edited", "message-deleted"]) {
      socket.on(name, ({ message, rev }) => {
        const { _id, content, deletedAt, hidden = false } = message;
        const deleted = deletedAt !== null;
        this.receive(name === "new-message", _id, { rev, content, deleted, hidden });
      });
    }
    socket.on("participant-removed", ({ participantId }) => this.removed(participantId));
    // The token expired, or the server could not verify it: the application reconnects.
    const again = () => setTimeout(() => !this.closed && socket.connect(), 100);
    socket.on("disconnect", (reason) => {
      this.note(reason);
      if (reason === "io server disconnect") again();
    });
    socket.on("connect_error", ({ message }) => {
      this.note(message);
      if (!socket.active) again();
    });
    for (const event of ["open", "reconnect_attempt"] as const) {
      socket.io.on(event, () => this.note(event));
    }
    await new Promise<void>((resolve) => {
      socket.on("connect", () => void this.joined(socket.id).then(resolve));
    });
  }

  close(): void {
    this.closed = true;
    this.socket?.disconnect();
  }

  protected async send(key: string): Promise<string> {
    const { conversationId: chatId } = this.options.model;
    const message = { chatId, content: key, clientMessageId: key };
    const answer = await this.socket?.timeout(PATIENCE_MS).emitWithAck("send-message", message);
    if (!answer?.success) throw new Error(answer?.error);
    return answer.data.message._id;
  }

  protected async join(since: number | undefined): Promise<number> {
    const { conversationId } = this.options.model;
    const patient = this.socket?.timeout(PATIENCE_MS);
    const answer = await patient?.emitWithAck("join-chat-room", conversationId, { since });
    if (!answer?.success) throw new Error(answer?.error);
    return answer.data.rev;
  }

  protected async leave(): Promise<void> {
    const { conversationId } = this.options.model;
    await this.socket?.timeout(PATIENCE_MS).emitWithAck("leave-chat-room", conversationId);
  }
}

export class SignalRClient extends PublicClient {
  private hub: HubConnection | undefined;

  get gateway() {
    const id = this.hub?.state === HubConnectionState.Connected ? this.hub.connectionId : null;
    return id ? { of: "SIGNALR", id } : undefined;
  }

  async connect(): Promise<void> {
    const { url, token } = this.options;
    const hub = new HubConnectionBuilder()
      .withUrl(`${url}/hubs/chat`, { accessTokenFactory: token })
      .withAutomaticReconnect({ nextRetryDelayInMilliseconds: () => 200 })
      .configureLogging(LogLevel.None)
      .build();
    this.hub = hub;
    for (const name of ["ReceiveMessage", "MessageEdited", "MessageDeleted"]) {
      hub.on(name, ({ messageId, content, isDeleted: deleted, hidden = false, rev }) =>
        this.receive(name === "ReceiveMessage", messageId, { rev, content, deleted, hidden }),
      );
    }
    hub.on("ParticipantRemoved", ({ participantId }) => this.removed(participantId));
    hub.onreconnecting((error) => this.note(`reconnecting: ${error?.message}`));
    hub.onreconnected(() => void this.joined(hub.connectionId));
    const start = async (): Promise<void> => {
      while (!this.closed) {
        try {
          await hub.start();
          return await this.joined(hub.connectionId);
        } catch (error) {
          this.note(String(error));
          await sleep(200);
        }
      }
    };
    hub.onclose(() => void start());
    await start();
  }

  close(): void {
    this.closed = true;
    void this.hub?.stop();
  }

  protected async send(key: string): Promise<string> {
    const { conversationId } = this.options.model;
    const sent = await this.hub?.invoke("SendMessage", conversationId, key, null, key);
    return sent.messageId;
  }

  protected async join(since: number | undefined): Promise<number> {
    const { conversationId } = this.options.model;
    const joined = await this.hub?.invoke("JoinConversation", conversationId, since);
    return joined.rev;
  }
  protected async leave(): Promise<void> {
    await this.hub?.invoke("LeaveConversation", this.options.model.conversationId);
  }
}
