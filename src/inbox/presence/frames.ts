import type { z } from "zod";
import { type ChatError, chatError } from "../../domain/error.ts";
import type { FrameId } from "../../live/frames.ts";
import type { InboxAck, inboxSettingsEvent } from "../../live/inbox-events.ts";
import type { InboxFrame } from "../../live/inbox-frames.ts";
import { errorEventOf } from "../../live/wire.ts";
import { log } from "../../logging.ts";
import type { Connection, Connections } from "../connections.ts";
import type { UserPresence } from "./user-presence.ts";
import type { Watching } from "./watching.ts";

/** How long to wait before a watch is requested again that could not be checked. */
const RETRY_AFTER_MS = 2_000;

export interface PresenceHandling {
  connections: Connections;
  presence: UserPresence;
  watching: Watching;
}

/** Handles the commands about presence: whose the socket watches, and whether the user's own is shown. */
export async function handlePresenceFrame(
  handling: PresenceHandling,
  connection: Connection,
  frame: Extract<InboxFrame, { op: "watch" | "unwatch" | "set" }>,
): Promise<void> {
  const { connections, presence, watching } = handling;
  switch (frame.op) {
    case "watch":
      await watch(handling, connection, frame);
      return;
    case "unwatch":
      watching.unwatch(connection, frame.userIds);
      acknowledge(handling, connection, { type: "ack", id: frame.id });
      return;
    case "set": {
      const set = presence.setInvisible(frame.invisible);
      if (!set.ok) {
        refuse(handling, connection, set.error, frame.id);
        return;
      }
      acknowledge(handling, connection, { type: "ack", id: frame.id });
      const settings = { invisible: presence.isInvisible };
      const event: z.infer<typeof inboxSettingsEvent> = { type: "settings", settings };
      connections.broadcast(JSON.stringify(event));
    }
  }
}

async function watch(
  handling: PresenceHandling,
  connection: Connection,
  { id, userIds }: Extract<InboxFrame, { op: "watch" }>,
): Promise<void> {
  const { watching } = handling;
  const allowed = await watching.watch(connection, userIds).catch((error: unknown) => {
    log("watch_failed", { userId: connection.identity.userId, error });
    return {
      ok: false,
      error: chatError("unavailable", { retryAfterMs: RETRY_AFTER_MS }),
    } as const;
  });
  if (!allowed.ok) {
    refuse(handling, connection, allowed.error, id);
    return;
  }
  acknowledge(handling, connection, { type: "ack", id, userIds: allowed.value });
  await watching.request(connection, allowed.value);
}

function acknowledge({ connections }: PresenceHandling, connection: Connection, ack: InboxAck) {
  connections.send(connection, JSON.stringify(ack));
}

function refuse(
  { connections }: PresenceHandling,
  connection: Connection,
  error: ChatError,
  id: FrameId,
): void {
  connections.send(connection, JSON.stringify(errorEventOf(error, id)));
}
