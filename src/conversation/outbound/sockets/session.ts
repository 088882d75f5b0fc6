import { z } from "zod";
import { type ConnectionIdentity, identitySchema } from "../../identity.ts";
import type { Reader } from "../event-lines.ts";
import { SocketBudget } from "./socket-budget.ts";

/** What is stored of a session while the object hibernates; `seat` is who is connected. */
const storedSession = z.object({
  seat: identitySchema,
  live: z.boolean(),
  openedAt: z.number(),
  features: z.array(z.string()).default([]),
  reported: z.boolean().default(false),
  visible: z.boolean().default(true),
});

/** A socket and what is known of it. */
export interface Session {
  readonly socket: WebSocket;
  readonly identity: ConnectionIdentity;
  /** Has been given a `sync` with `more: false`, and gets events since. */
  live: boolean;
  /** What the client asked for beyond the first version of the protocol. */
  readonly features: readonly string[];
  readonly budget: SocketBudget;
  readonly openedAt: number;
  /** The user's inbox knows that they have a socket here. */
  reported: boolean;
  /** Others may see that the user is connected: their inbox has said so. */
  visible: boolean;
  /** When it last sent something other than a ping; after a wake, when it was opened. */
  lastFrameAt: number;
  /** By user id: presence events that it missed while it was catching up. */
  readonly presence: Map<string, string>;
}

export function newSession(
  socket: WebSocket,
  {
    identity,
    live,
    openedAt,
    features,
    reported,
    visible,
  }: Pick<Session, "identity" | "live" | "openedAt" | "features" | "reported" | "visible">,
): Session {
  return {
    ...{ socket, identity, live, openedAt, features, reported, visible },
    budget: new SocketBudget(),
    lastFrameAt: openedAt,
    presence: new Map(),
  };
}

/** The session of a socket that was open while the object hibernated; `undefined`: it cannot be read. */
export function restoredSession(socket: WebSocket): Session | undefined {
  const stored = storedSession.safeParse(socket.deserializeAttachment());
  if (!stored.success) return undefined;
  const { seat: identity, ...rest } = stored.data;
  return newSession(socket, { identity, ...rest });
}

/** Stores what {@link restoredSession} reads. */
export function storeSession(session: Session): void {
  const { socket, identity, live, openedAt, features, reported, visible } = session;
  const stored = { seat: identity, live, openedAt, features: [...features], reported, visible };
  socket.serializeAttachment(stored satisfies z.infer<typeof storedSession>);
}

/** How a session is sent events. */
export function readerOf({ identity, features }: Session): Reader {
  return { origin: identity.origin, lean: features.includes("reactions") };
}
