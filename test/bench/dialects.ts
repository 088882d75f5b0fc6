/** The interval of clients' pings. */
export const PING_EVERY_MS = 25_000;

/** The protocol of one subject's sockets: the same load in each protocol's frames. */
export interface Dialect {
  /** Subprotocols of the upgrade. */
  protocols: string[];
  /** The answer to a frame before the socket is live; `live`: it is live. */
  greet(frame: string): { say?: string; live?: boolean };
  /**
   * The frame that a client sends every {@link PING_EVERY_MS}, and its answer to the server's
   * pings.
   */
  ping?: string;
  pongs?: Readonly<Record<string, string>>;
  /** A frame that sends a message with this id. */
  send(id: number): string;
  /** The number of messages in a frame. */
  count(frame: string): number;
  /** The ids of the messages in a frame, in order, parsed. */
  ids(frame: string): number[];
}

/** The text of the message with an id. */
export const contentOf = (id: number) => `message number ${id}, of about the usual length`;
const idOf = (content: string) => Number(/\d+/.exec(content)?.[0]);

/** Frames that are forwarded unchanged, or almost: (a) and (b). */
export const plain: Dialect = {
  protocols: [],
  greet: () => ({ live: true }),
  send: (id) => JSON.stringify({ id, content: contentOf(id) }),
  count: () => 1,
  ids: (frame) => [JSON.parse(frame).id],
};

/** Frames with several messages, one a line: (d). */
export const lines: Dialect = {
  ...plain,
  count: (frame) => {
    let count = 1;
    for (let at = frame.indexOf("\n"); at >= 0; at = frame.indexOf("\n", at + 1)) count++;
    return count;
  },
  ids: (frame) => frame.split("\n").map((line) => JSON.parse(line).id),
};

/** Parley's native protocol; a token signed for one person identifies the socket. */
export function parley(token: string): Dialect {
  const start = '{"type":"message"';
  return {
    protocols: ["parley.v1", `bearer.${token}`],
    greet: (frame) => ({ live: frame.startsWith('{"type":"hello"') }),
    ping: "ping",
    send: (id) =>
      JSON.stringify({ op: "send", id, content: contentOf(id), clientMessageId: `key-${id}` }),
    count: (frame) => {
      let count = 0;
      for (let at = frame.indexOf(start); at >= 0; at = frame.indexOf(start, at + 1)) count++;
      return count;
    },
    ids: (frame) => {
      if (frame === "pong") return [];
      const events = frame.split("\n").map((line) => JSON.parse(line));
      const refused = events.find(({ type }) => type === "error");
      if (refused) throw new Error(`refused: ${JSON.stringify(refused)}`);
      return events
        .filter(({ type }) => type === "message")
        .map(({ message }) => idOf(message.content));
    },
  };
}

/**
 * Socket.IO 5 over Engine.IO 4, implemented by hand, so that the client's load is the same for all
 * subjects.
 */
export function socketIo(token: string, conversationId: string): Dialect {
  return {
    protocols: [],
    greet: (frame) =>
      frame.startsWith("0")
        ? { say: `40${JSON.stringify({ token, conversationId })}` }
        : { live: frame.startsWith("40") },
    pongs: { "2": "3" },
    send: (id) =>
      `42${id}${JSON.stringify([
        "send",
        { conversationId, content: contentOf(id), clientMessageId: `${conversationId}-${id}` },
      ])}`,
    count: (frame) => (frame.startsWith("42") ? 1 : 0),
    ids: (frame) => (frame.startsWith("42") ? [idOf(JSON.parse(frame.slice(2))[1].content)] : []),
  };
}

/** The same protocol with the events of Parley's gateway, where a client first joins a chat. */
export function gateway(token: string, chatId: string): Dialect {
  const start = '42["new-message",';
  return {
    protocols: [],
    greet: (frame) => {
      if (frame.startsWith("0")) return { say: `40${JSON.stringify({ token })}` };
      if (frame.startsWith("40")) {
        return { say: `420${JSON.stringify(["join-chat-room", chatId])}` };
      }
      return { live: frame.startsWith("430") };
    },
    pongs: { "2": "3" },
    send: (id) =>
      `42${id}${JSON.stringify([
        "send-message",
        { chatId, content: contentOf(id), clientMessageId: `key-${id}` },
      ])}`,
    count: (frame) => (frame.startsWith(start) ? 1 : 0),
    ids: (frame) =>
      frame.startsWith(start) ? [idOf(JSON.parse(frame.slice(2))[1].message.content)] : [],
  };
}
