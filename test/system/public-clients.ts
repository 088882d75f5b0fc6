import { type HubConnection, HubConnectionBuilder, LogLevel } from "@microsoft/signalr";
import { io, type Socket } from "socket.io-client";
import { type Person, Rest } from "./client.ts";
import { signedFor } from "./token.ts";

/** The public clients of both protocols, from npm, used as in their documentation. */

/** A user known to the server. */
export type Known = Person & { rest: Rest };

export async function known(address: string, name: string): Promise<Known> {
  const userId = `${name}-${crypto.randomUUID().slice(0, 8)}`;
  const person = { userId, token: await signedFor(userId) };
  const rest = new Rest(address, person);
  await rest.conversations();
  return { ...person, rest };
}

/** The events that a client has received, and the tests waiting for them. */
export class ReceivedEvents {
  /** Messages of all its conversations, by id. */
  readonly ids: string[] = [];
  readonly texts: string[] = [];
  /** The users whose removal from a conversation was received. */
  readonly removed: string[] = [];
  /** Conversations that have to be loaded anew. */
  readonly resets: string[] = [];
  /** By conversation: the revision from which to resume after a reconnect. */
  readonly revs = new Map<string, number>();
  private waiting: (() => void)[] = [];

  receive(conversationId: string, rev: number, message?: { id: string; text: string }): void {
    if (message) {
      this.ids.push(message.id);
      this.texts.push(message.text);
    }
    this.revs.set(conversationId, rev);
    this.wake();
  }

  /** The answer to a join that resumes. */
  resumed(conversationId: string, answer: Resumed | undefined): void {
    if (!answer?.reset) return;
    this.resets.push(conversationId);
    this.receive(conversationId, answer.rev);
  }

  async until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

/** What is of interest in the answer to a join. */
interface Resumed {
  rev: number;
  reset?: true;
}

/** Returns a client's token for each connection. */
export type TokenSource = () => string | Promise<string>;

export class OverSocketIo extends ReceivedEvents {
  readonly socket: Socket;
  /** The number of connections, and the reasons of disconnects. */
  connects = 0;
  readonly ends: string[] = [];

  constructor(address: string, token: TokenSource, transports?: string[]) {
    super();
    this.socket = io(address, {
      auth: async (done) => done({ token: await token() }),
      forceNew: true,
      reconnectionDelay: 50,
      reconnectionDelayMax: 200,
      ...(transports && { transports }),
    });
    const { socket } = this;
    socket.on("new-message", ({ chatId, message, rev }) =>
      this.receive(chatId, rev, { id: message._id, text: message.content }),
    );
    socket.on("participant-removed", ({ chatId, participantId, rev }) => {
      this.removed.push(participantId);
      this.receive(chatId, rev);
    });
    socket.on("connect", () => {
      this.connects++;
      for (const [id, since] of this.revs) {
        socket.emit("join-chat-room", id, { since }, ({ data }: { data?: Resumed }) =>
          this.resumed(id, data),
        );
      }
      this.wake();
    });
    // Disconnected by the server because the token has expired: the application reconnects with
    // another.
    socket.on("disconnect", (reason) => {
      this.ends.push(reason);
      if (reason === "io server disconnect") socket.connect();
    });
  }

  /** Connects, and joins conversations; rejects with the server's refusal. */
  static async in(address: string, token: TokenSource, ids: string[], transports?: string[]) {
    const one = new OverSocketIo(address, token, transports);
    await new Promise<void>((resolve, reject) => {
      one.socket.on("connect", resolve).on("connect_error", reject);
    });
    await Promise.all(ids.map((id) => one.join(id)));
    return one;
  }

  async join(id: string): Promise<void> {
    const answer = await this.socket.emitWithAck("join-chat-room", id);
    if (!answer.success) throw new Error(answer.error);
    this.revs.set(id, answer.data.rev);
  }

  close(): void {
    this.socket.disconnect();
  }
}

export class OverSignalR extends ReceivedEvents {
  readonly hub: HubConnection;
  /** The number of connections. */
  connects = 0;

  constructor(address: string, token: TokenSource) {
    super();
    this.hub = new HubConnectionBuilder()
      .withUrl(`${address}/hubs/chat`, { accessTokenFactory: token })
      .withAutomaticReconnect(Array.from({ length: 600 }, () => 100))
      .configureLogging(LogLevel.None)
      .build();
    const { hub } = this;
    hub.on("ReceiveMessage", ({ conversationId, messageId, content, rev }) =>
      this.receive(conversationId, rev, { id: messageId, text: content }),
    );
    hub.on("ParticipantRemoved", ({ conversationId, participantId, rev }) => {
      this.removed.push(participantId);
      this.receive(conversationId, rev);
    });
    hub.onreconnected(() => {
      this.connects++;
      for (const [id, since] of this.revs) {
        void hub.invoke("JoinConversation", id, since).then((answer) => this.resumed(id, answer));
      }
      this.wake();
    });
  }

  /** Connects, and joins conversations; rejects with the server's refusal. */
  static async in(address: string, token: TokenSource, ids: string[]) {
    const one = new OverSignalR(address, token);
    await one.hub.start();
    one.connects++;
    await Promise.all(ids.map((id) => one.join(id)));
    return one;
  }

  async join(id: string): Promise<void> {
    this.revs.set(id, (await this.hub.invoke("JoinConversation", id)).rev);
  }

  close(): void {
    void this.hub.stop();
  }
}
