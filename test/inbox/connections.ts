import { onTestFinished } from "vitest";
import { Hub, Io } from "../gateway/line.ts";
import { type Caller, openLive, type Socket } from "../support.ts";
import { openRooms } from "./room-client.ts";

/** The ways in which a person can be connected to a conversation. */
export const WAYS = ["a native socket", "the inbox", "SignalR", "Socket.IO"] as const;
export type Way = (typeof WAYS)[number];

/** Connects a person to a conversation. */
export async function connectBy(
  way: Way,
  caller: Caller,
  conversationId: string,
): Promise<{ close: () => void }> {
  const connection = await connected(way, caller, conversationId);
  onTestFinished(() => connection.close());
  return connection;
}

async function connected(way: Way, caller: Caller, conversationId: string) {
  switch (way) {
    case "a native socket":
      return openLive(caller, conversationId);
    case "the inbox": {
      const socket = await openRooms(caller);
      await socket.open(conversationId);
      return socket;
    }
    case "SignalR": {
      const hub = await Hub.connect(caller);
      await hub.ask("JoinConversation", conversationId);
      return hub.line.socket;
    }
    case "Socket.IO": {
      const io = await Io.connect(caller);
      await io.ask("join-chat-room", conversationId);
      return io.line.socket;
    }
  }
}

/** Who is online for the client of a native socket, by its `hello` and the events since. */
export function onlineAt(socket: Socket): string[] {
  const [hello] = socket.all("hello");
  const online = new Set([hello?.online].flat().map(String));
  for (const event of socket.all("presence")) {
    if (event.online) online.add(event.userId);
    else online.delete(event.userId);
  }
  return [...online].sort();
}
