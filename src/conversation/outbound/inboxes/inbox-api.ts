import type { BanOrder } from "../../../domain/ban.ts";
import type { Kind } from "../../../domain/conversation.ts";
import type { Replacement } from "../../../domain/erasure.ts";
import type { Result } from "../../../domain/error.ts";
import type { ChosenLevel } from "../../../domain/notification-level.ts";
import type {
  NotificationSettings,
  SettingsChange,
} from "../../../domain/notification-settings.ts";
import type { PlatformRole } from "../../../domain/policy.ts";
import type { ConnectionPresence, ShownPresence } from "../../../domain/presence.ts";
import type { PresenceSource } from "../../../domain/presence-sources.ts";
import type { InboxRemoval, InboxRow } from "../../../live/inbox-events.ts";
import type { Batch, Protocol } from "../subscribers/gateway-api.ts";

/** The RPC to the inbox of a user, from their conversations, their gateways and the inboxes of others. */
export interface InboxStub {
  /** Takes the newest row of a conversation, and answers what it is to be called for from now on. */
  update(row: InboxRow): Promise<InboxAnswer>;
  /**
   * A conversation of theirs was deleted: takes the removal, which everybody who is connected is shown, and forgets
   * everything about it. May be called twice. An inbox of the previous version does not have the method.
   */
  deleted(removal: InboxRemoval): Promise<void>;
  /**
   * The user has a connection at a source since `at`; every call may be made twice. An inbox of the previous
   * version resolves to nothing.
   */
  arrived(source: PresenceSource, at: number): Promise<ConnectionPresence | undefined>;
  /** Their last connection there ended at `at`. */
  left(source: PresenceSource, at: number): Promise<ConnectionPresence | undefined>;
  /** Whether the user is connected, and may be shown so. Stores nothing. */
  connection(): Promise<ConnectionPresence>;
  /** The same for one of their conversations, which is told of changes from now on, until it does not show them. */
  showIn(conversationId: string): Promise<ConnectionPresence>;
  /**
   * The user's presence, for somebody who shares a conversation with them: the caller has checked that. They
   * are told of every change from now on, until they answer `away`. Whom the user blocks is shown nothing.
   */
  watch(watcher: Watcher): Promise<ShownPresence>;
  /** The same once, as the user `by` is shown it; the previous version names none. */
  presenceNow(by?: string): Promise<ShownPresence>;
  /** Takes the presence of another user, whom this one watches; `away`: no longer. */
  presenceOf(userId: string, presence: ShownPresence): Promise<"watching" | "away">;
  /** Takes that changes of another user are no longer told: more than they can have watch them. */
  unwatched(userId: string): Promise<void>;
  /** The presence of other users, by their id: of those with whom this one shares a conversation. */
  presenceOfOthers(userIds: readonly string[]): Promise<Result<[string, ShownPresence][]>>;
  /**
   * The methods of a gateway, for conversations that are open over the inbox; `gateway` is the name of the
   * subscription.
   */
  deliver(gateway: string, batch: Batch): Promise<boolean>;
  deliverEphemeral(gateway: string, conversationId: string, line: string): Promise<boolean>;
  isSubscribed(gateway: string, conversationId: string): Promise<boolean>;
  /** Has a gateway of the user called with rows (`deliverRow`) from now on; false: there are too many. */
  follow(protocol: Protocol, gateway: string): Promise<boolean>;
  unfollow(gateway: string): Promise<void>;
  /** A page of the list: the first one, or the one behind `after`. */
  list(after: string | undefined): Promise<Result<InboxList>>;
  /**
   * Bans the user from the service, or lifts their ban; the caller has checked who orders it. Resolves within
   * some seconds to whether everybody knows and all connections are ended; what is not done is repeated.
   */
  setBan(order: BanOrder): Promise<boolean>;
  notificationSettings(): Promise<NotificationSettings>;
  /** Changes the settings that are given; resolves to all of them. */
  setNotificationSettings(change: SettingsChange): Promise<NotificationSettings>;
  /** What the user has chosen for a conversation, while it holds; `undefined`: the default. */
  notificationLevel(conversationId: string): Promise<ChosenLevel | undefined>;
  /** Sets it: the caller has checked that the user is a member. Resolves to what holds then. */
  setNotificationLevel(
    conversationId: string,
    kind: Kind,
    chosen: ChosenLevel | undefined,
  ): Promise<Result<ChosenLevel | undefined>>;
  /** Stores a browser's push subscription, which the caller has checked; may be called twice. */
  putPushDevice(subscription: PushDevice): Promise<Result<undefined>>;
  removePushDevice(endpoint: string): Promise<void>;
  /**
   * Has the user block another, or no longer. Idempotent. Resolves within some seconds: `true` once every
   * conversation that they share has it, `false` while that goes on.
   */
  setBlock(blockedId: string, blocked: boolean): Promise<Result<boolean>>;
  /**
   * What the inbox knows of its user, for admins and exports: bounded, and read only. An inbox of the previous
   * version does not have the method.
   */
  profile(): Promise<InboxProfile>;
  /** Whom the user blocks, those first whom they blocked last. */
  blocks(): Promise<{ blockedId: string; at: number }[]>;
  /** Users whose inboxes may name this one, as far as this inbox knows: those who watch it or are watched by it. */
  acquaintances(): Promise<string[]>;
  /** Forgets another user, who is erased: blocks, presence, and who has banned this one. May be called twice. */
  forget(other: Replacement): Promise<void>;
  /** Removes everything that is stored here, as the user is erased; their connections have to be ended before. */
  erase(): Promise<void>;
  /** Accepts the socket of the user, whom the Worker has verified. */
  fetch(request: Request): Promise<Response>;
}

/** A page of the list. After one without `next`, conversations that neither a page nor an event named are gone. */
export interface InboxList {
  rows: InboxRow[];
  next?: string | undefined;
}

/** What an inbox knows of its user. Times are milliseconds since the epoch. */
export interface InboxProfile {
  settings: NotificationSettings;
  /** Whether the user is shown to nobody as online. */
  invisible: boolean;
  /** What they have chosen for conversations, at most 1,000. */
  levels: (ChosenLevel & { conversationId: string })[];
  /** Browsers that are notified, at most 10, oldest first: never their address or keys, which are secrets. */
  devices: { host: string; addedAt: number; expiresAt: number | null }[];
  /** Whom they block, those first whom they blocked last. */
  blocks: { blockedId: string; at: number }[];
  connections: {
    /** Sockets of the inbox itself, and the conversations that are open over each. */
    sockets: {
      openedAt: number;
      role: PlatformRole;
      expiresAt: number;
      conversationIds: string[];
    }[];
    /**
     * What else has reported a connection, the newest first, at most 200: conversations by their id; gateways
     * without, because whoever knows a gateway's name may use it.
     */
    places: { kind: string; conversationId: string | null; since: number }[];
    /** How many there are. */
    placeCount: number;
  };
}

/** A browser's push subscription. */
export interface PushDevice {
  endpoint: string;
  /** Milliseconds since the epoch. */
  expirationTime?: number | undefined;
  /** base64url. */
  keys: { p256dh: string; auth: string };
}

/** Who is told of a user's presence: a `user`, or a `conversation`. */
export type Watcher = readonly [kind: string, id: string];

/**
 * `watching`: somebody is connected to the inbox, and was sent the row. Otherwise the inbox has stored that
 * it has to ask this conversation once somebody is. `away`: until then it wants no call. The others: it
 * notifies its user of new messages, or of mentions alone, and is called for those, and when the user reads.
 */
export type InboxAnswer = "watching" | "away" | "notify of messages" | "notify of mentions";
