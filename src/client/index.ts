/**
 * What the package `parley-chat-client` exports. A change here, or of the types that these names reach, is a change
 * of docs/client-api.md.
 */
export type { ErrorCode, ErrorDetail } from "../domain/error.ts";
export type { SocketLike } from "./connection.ts";
export type { Conversation } from "./conversation.ts";
export { ParleyError } from "./error.ts";
export type { ConversationEvent } from "./event.ts";
export type { Inbox } from "./inbox.ts";
export type { InboxEvent } from "./inbox-event.ts";
export type { InboxRow } from "./inbox-received.ts";
export type { Status } from "./link.ts";
export type { StatusEvent } from "./live.ts";
export type { HistoryPlace, NewMessage, PendingMessage, SentMessage } from "./message.ts";
export { Parley, type ParleyOptions } from "./parley.ts";
export type { WireConversation, WireMember, WireMessage, WireRead } from "./received.ts";
export {
  type Ban,
  type Block,
  type Channel,
  type ChannelDetails,
  type ChannelMember,
  type InboxEntry,
  keyOf,
  type Message,
  type MyChannel,
  type NotificationLevel,
  type NotificationSettings,
  type Paging,
  type Person,
  type Pin,
  type Place,
  type PushDevice,
  type Receipt,
  type Rest,
  type Uploaded,
} from "./rest.ts";
export type { Search, SearchHit, SearchOptions, SearchPage, TextRange } from "./search.ts";
export type { TokenSource } from "./tokens.ts";
