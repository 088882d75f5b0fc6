import type { z } from "zod";
import type * as answers from "../contract/answers.ts";
import type * as blocks from "../contract/blocks.ts";
import type * as bodies from "../contract/bodies.ts";
import type * as directory from "../contract/directory.ts";
import type * as moderation from "../contract/moderation.ts";
import type * as notifications from "../contract/notifications.ts";
import type * as reports from "../contract/reports.ts";
import { Http, path, queryOf } from "./http.ts";
import type { SearchOptions, SearchPage } from "./search.ts";
import type { Tokens } from "./tokens.ts";

type Answer<Name extends keyof typeof answers> = z.output<(typeof answers)[Name]>;
type Body<Name extends keyof typeof bodies> = z.input<(typeof bodies)[Name]>;

export type Message = Answer<"messageSchema">;
export type InboxEntry = Answer<"conversationSchema">;
export type Channel = Answer<"channelSchema">;
export type MyChannel = Answer<"myChannelSchema">;
export type ChannelDetails = Answer<"channelDetailsSchema">;
export type Pin = z.output<typeof moderation.pinsSchema>["items"][number];
export type Ban = z.output<typeof moderation.bansSchema>["items"][number];
export type ChannelMember = Answer<"channelMemberSchema">;
export type Receipt = Answer<"receiptSchema">;
export type Uploaded = Answer<"uploadedSchema">;
export type Person = { id: string; name: string | null; avatarUrl: string | null };
/** Somebody whom the user blocks. */
export type Block = z.output<typeof blocks.blocksSchema>["items"][number];
/** What names an uploaded file in `attachments` of a message that is sent over the socket. */
export function keyOf({ fileUrl }: Pick<Uploaded, "fileUrl">): string {
  return new URL(fileUrl).pathname.split("/").at(-1) ?? "";
}

/** How the user is notified of all conversations. */
export type NotificationSettings = z.output<typeof notifications.notificationSettingsSchema>;
/** Of which messages of a conversation the user is notified. */
export type NotificationLevel = z.output<typeof notifications.notificationLevelSchema>;
/** A browser that notifications are pushed to: what its push subscription consists of. */
export interface PushDevice {
  endpoint: string;
  keys: { p256dh: string; auth: string };
}

/** Where in a list. */
export type Paging = { page?: number; pageSize?: number };
/** Where in a list that has a `next`: `cursor` is the `next` of the page before. */
export type Place = { cursor?: string; limit?: number };

/**
 * The UniHub API, and of the marketplace's what that lacks, typed by the schemas that the server
 * answers by. Every call rejects with a
 * {@link ParleyError}: the server's code, or `network` without an answer.
 */
export class Rest {
  private readonly http: Http;
  private readonly users: Http;
  private readonly chats: Http;
  private readonly push: Http;
  private readonly notifications: Http;

  constructor(url: string, tokens: Tokens, fetcher: typeof fetch) {
    this.http = new Http(new URL("/api/v1/chat", url).href, tokens, fetcher);
    this.users = new Http(new URL("/api/users", url).href, tokens, fetcher);
    this.chats = new Http(new URL("/api/chat", url).href, tokens, fetcher);
    this.push = new Http(new URL("/api/push", url).href, tokens, fetcher);
    this.notifications = new Http(new URL("/api/notifications", url).href, tokens, fetcher);
  }

  /** People by their ids, at most 100, or the first page of those whom words of their name find. */
  async people(by: { ids: readonly string[] } | { q: string }): Promise<Person[]> {
    // A plain comma separates: those of an id itself are encoded.
    const query = "q" in by ? queryOf(by) : `?ids=${by.ids.map(encodeURIComponent).join()}`;
    const { users } = await this.users.get<{ users: Person[] }>(query);
    return users;
  }

  /** A page of people, each word of `q` being the beginning of one of their name. It may be empty and have a `next`. */
  findPeople(
    q: string,
    place: Place = {},
    signal?: AbortSignal,
  ): Promise<z.output<typeof directory.peopleFoundSchema>> {
    return this.users.get("", { q, ...place }, signal);
  }

  /** A page of public channels, and of the user's own, likewise by words of their name and description. */
  findChannels(
    q: string,
    place: Place = {},
    signal?: AbortSignal,
  ): Promise<z.output<typeof directory.channelsFoundSchema>> {
    return this.http.get("/channels/search", { q, ...place }, signal);
  }

  /** A page of the messages that a query finds, newest first. An aborted signal rejects with its reason. */
  search(
    query: { q: string } & Omit<SearchOptions, "signal">,
    signal?: AbortSignal,
  ): Promise<SearchPage> {
    return this.http.get("/messages/search", query, signal);
  }

  /** Blocks somebody; they are not told. Doing so again is safe. */
  block(userId: string): Promise<void> {
    return this.users.send("PUT", "/blocks", { userId });
  }

  unblock(userId: string): Promise<void> {
    return this.users.send("DELETE", "/blocks", { userId });
  }

  /** Whom the user blocks, those first whom they blocked last. */
  async blocks(): Promise<Block[]> {
    const { items } = await this.users.get<z.output<typeof blocks.blocksSchema>>("/blocks");
    return items;
  }

  /** The user's conversations, the one with the newest message first; channels have a separate list. */
  conversations(paging: Paging = {}): Promise<InboxEntry[]> {
    return this.http.get("/conversations", paging);
  }

  /** Creates the direct conversation with a user, or finds the existing one. */
  direct(otherUserId: string): Promise<Answer<"createdSchema">> {
    return this.http.send("POST", "/conversations/direct", { otherUserId });
  }

  group(group: Body<"groupBody">): Promise<Answer<"createdSchema">> {
    return this.http.send("POST", "/conversations/group", group);
  }

  /** Turns one's own archived mark of a conversation, and tells what it is now. Channels have none. */
  async archive(conversationId: string): Promise<{ isArchived: boolean }> {
    const { data } = await this.chats.send<{ data: { isArchived: boolean } }>(
      "PUT",
      path`/${conversationId}/archive`,
    );
    return data;
  }

  /** Accepts a conversation that a stranger began, or to which one added the user. */
  acceptRequest(conversationId: string): Promise<Answer<"saidSchema">> {
    return this.http.send("POST", path`/conversations/${conversationId}/accept`);
  }

  /** Declines it: it leaves the user's lists, and nobody is told. */
  declineRequest(conversationId: string): Promise<Answer<"saidSchema">> {
    return this.http.send("POST", path`/conversations/${conversationId}/decline`);
  }

  addParticipant(conversationId: string, participantId: string): Promise<Answer<"saidSchema">> {
    return this.http.send("POST", path`/conversations/${conversationId}/participants`, {
      participantId,
    });
  }

  removeParticipant(conversationId: string, userId: string): Promise<Answer<"saidSchema">> {
    return this.http.send("DELETE", path`/conversations/${conversationId}/participants/${userId}`);
  }

  /** A page of messages, newest first. */
  messages(conversationId: string, paging: Paging = {}): Promise<Answer<"messagePageSchema">> {
    return this.http.get("/messages", { conversationId, ...paging });
  }

  /** Sends a message. With a `clientMessageId`, doing so again is safe. */
  sendMessage(message: Body<"sendBody">): Promise<Answer<"sentSchema">> {
    return this.http.send("POST", "/messages", message);
  }

  /** Uploads a file, to be sent within 24 hours. */
  upload(file: Blob, name: string): Promise<Uploaded> {
    return this.http.call("PUT", `/uploads${queryOf({ name })}`, { body: file });
  }

  sendFiles(message: Body<"sendFilesBody">): Promise<Answer<"sentSchema">> {
    return this.http.send("POST", "/messages/with-attachments", message);
  }

  /** Deletes one's own message, or as a moderator anybody's. */
  deleteMessage(messageId: string): Promise<Answer<"successSchema">> {
    return this.http.send("DELETE", path`/messages/${messageId}`);
  }

  react(messageId: string, emoji: string): Promise<Answer<"successSchema">> {
    return this.http.send("POST", path`/messages/${messageId}/reactions`, { emoji });
  }

  unreact(messageId: string, emoji: string): Promise<Answer<"successSchema">> {
    return this.http.send("DELETE", path`/messages/${messageId}/reactions/${emoji}`);
  }

  markRead(messageId: string): Promise<Answer<"successSchema">> {
    return this.http.send("POST", path`/messages/${messageId}/read`);
  }

  /** Reports a message to the staff; doing so again is safe. */
  report(messageId: string, why: z.input<typeof reports.reportBody>): Promise<{ id: string }> {
    return this.http.send("POST", path`/messages/${messageId}/report`, why);
  }

  /** Who has read a message, those who did first before the others. */
  receipts(messageId: string, paging: Paging = {}): Promise<Receipt[]> {
    return this.http.get(path`/messages/${messageId}/read-receipts`, paging);
  }

  publicChannels(paging: Paging = {}): Promise<Channel[]> {
    return this.http.get("/channels/public", paging);
  }

  myChannels(paging: Paging = {}): Promise<MyChannel[]> {
    return this.http.get("/channels/my-channels", paging);
  }

  channel(channelId: string): Promise<ChannelDetails> {
    return this.http.get(path`/channels/${channelId}`);
  }

  createChannel(channel: Body<"channelBody">): Promise<Answer<"channelCreatedSchema">> {
    return this.http.send("POST", "/channels", channel);
  }

  updateChannel(
    channelId: string,
    changes: Body<"channelChangesBody">,
  ): Promise<Answer<"saidSchema">> {
    return this.http.send("PUT", path`/channels/${channelId}`, changes);
  }

  channelMembers(channelId: string, paging: Paging = {}): Promise<ChannelMember[]> {
    return this.http.get(path`/channels/${channelId}/members`, paging);
  }

  joinChannel(channelId: string): Promise<Answer<"saidSchema">> {
    return this.http.send("POST", path`/channels/${channelId}/join`);
  }

  leaveChannel(channelId: string): Promise<Answer<"saidSchema">> {
    return this.http.send("POST", path`/channels/${channelId}/leave`);
  }

  invite(channelId: string, userId: string): Promise<Answer<"saidSchema">> {
    return this.http.send("POST", path`/channels/${channelId}/invitations`, { userId });
  }

  /** Invitations hold for 30 days; until then they can be revoked. */
  revokeInvitation(channelId: string, userId: string): Promise<Answer<"saidSchema">> {
    return this.http.send("DELETE", path`/channels/${channelId}/invitations/${userId}`);
  }

  expel(channelId: string, userId: string): Promise<Answer<"saidSchema">> {
    return this.http.send("DELETE", path`/channels/${channelId}/members/${userId}`);
  }

  addModerator(channelId: string, userId: string): Promise<Answer<"saidSchema">> {
    return this.http.send("POST", path`/channels/${channelId}/moderators`, { userId });
  }

  removeModerator(channelId: string, userId: string): Promise<Answer<"saidSchema">> {
    return this.http.send("DELETE", path`/channels/${channelId}/moderators/${userId}`);
  }

  archiveChannel(channelId: string): Promise<Answer<"saidSchema">> {
    return this.http.send("POST", path`/channels/${channelId}/archive`);
  }

  unarchiveChannel(channelId: string): Promise<Answer<"saidSchema">> {
    return this.http.send("POST", path`/channels/${channelId}/unarchive`);
  }

  /** Changes title, slow mode or lock of a group or channel; what is absent stays. */
  updateConversation(
    conversationId: string,
    changes: z.input<typeof moderation.moderationBody>,
  ): Promise<void> {
    return this.http.send("PATCH", path`/conversations/${conversationId}`, changes);
  }

  /** The pinned messages, the one that was pinned last first. */
  async pins(conversationId: string): Promise<Pin[]> {
    const { items } = await this.http.get<{ items: Pin[] }>(
      path`/conversations/${conversationId}/pins`,
    );
    return items;
  }

  pin(conversationId: string, messageId: string): Promise<void> {
    return this.http.send("PUT", path`/conversations/${conversationId}/pins/${messageId}`);
  }

  unpin(conversationId: string, messageId: string): Promise<void> {
    return this.http.send("DELETE", path`/conversations/${conversationId}/pins/${messageId}`);
  }

  /** Bans somebody, who is out at once and stays out until it expires or is lifted. */
  ban(conversationId: string, ban: z.input<typeof moderation.banBody>): Promise<void> {
    return this.http.send("POST", path`/conversations/${conversationId}/bans`, ban);
  }

  unban(conversationId: string, userId: string): Promise<void> {
    return this.http.send("DELETE", path`/conversations/${conversationId}/bans/${userId}`);
  }

  async bans(conversationId: string, paging: Paging = {}): Promise<Ban[]> {
    const { items } = await this.http.get<{ items: Ban[] }>(
      path`/conversations/${conversationId}/bans`,
      paging,
    );
    return items;
  }

  /** Has a member only read until a time, in ISO 8601. */
  mute(conversationId: string, userId: string, until: string): Promise<void> {
    const address = path`/conversations/${conversationId}/participants/${userId}/mute`;
    return this.http.send("PUT", address, { until });
  }

  unmute(conversationId: string, userId: string): Promise<void> {
    const address = path`/conversations/${conversationId}/participants/${userId}/mute`;
    return this.http.send("DELETE", address);
  }

  /** Makes a member of a group or channel its moderator. */
  promote(conversationId: string, userId: string): Promise<Answer<"saidSchema">> {
    return this.http.send("POST", path`/conversations/${conversationId}/moderators`, { userId });
  }

  demote(conversationId: string, userId: string): Promise<Answer<"saidSchema">> {
    return this.http.send("DELETE", path`/conversations/${conversationId}/moderators/${userId}`);
  }

  notificationSettings(): Promise<NotificationSettings> {
    return this.notifications.get("/settings");
  }

  /** Settings that are absent stay; `doNotDisturb: null` removes the hours. */
  setNotificationSettings(
    settings: z.input<typeof notifications.notificationSettingsBody>,
  ): Promise<NotificationSettings> {
    return this.notifications.send("PUT", "/settings", settings);
  }

  notificationLevel(conversationId: string): Promise<NotificationLevel> {
    return this.http.get(path`/conversations/${conversationId}/notifications`);
  }

  /** After `until`, the default of the conversation's kind holds again. */
  setNotificationLevel(
    conversationId: string,
    level: z.input<typeof notifications.notificationLevelBody>,
  ): Promise<NotificationLevel> {
    return this.http.send("PUT", path`/conversations/${conversationId}/notifications`, level);
  }

  /** The key that the browser's push subscription is made with. */
  async pushKey(): Promise<string> {
    const { key } = await this.push.get<{ key: string }>("/key");
    return key;
  }

  /** Adds this browser, or changes its keys. */
  addPushDevice(device: PushDevice): Promise<void> {
    return this.push.send("PUT", "/devices", device);
  }

  removePushDevice(endpoint: string): Promise<void> {
    return this.push.send("DELETE", "/devices", { endpoint });
  }
}
