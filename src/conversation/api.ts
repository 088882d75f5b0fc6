import type { Attachment } from "../domain/attachment.ts";
import type { Block } from "../domain/block.ts";
import type { Ban, Conversation, Member, Pin } from "../domain/conversation.ts";
import type { Result } from "../domain/error.ts";
import type { Message, Receipt } from "../domain/message.ts";
import type { NotifiableAnswer, NotifiableQuery } from "../domain/notification.ts";
import type { PageOf } from "../domain/page.ts";
import type { Actor } from "../domain/policy.ts";
import type { ConnectionPresence } from "../domain/presence.ts";
import type { ReportedMessage } from "../domain/report.ts";
import type { ClientFrame } from "../live/frames.ts";
import type { InboxRow } from "../live/inbox-events.ts";
import type { Created, Creation } from "./commit/create.ts";
import type { Answer, Command } from "./decide/types.ts";
import type { ErasureProgress, ErasureRequest } from "./erase-api.ts";
import type { Batch, PresentGateway, Subscribed } from "./outbound/subscribers/gateway-api.ts";
import type { FrameAnswer, Opened, Opening } from "./outbound/subscribers/inbox-room-api.ts";
import type { ExportPage, ExportPart } from "./queries/export-api.ts";
import type { FormOfPage, HistoryPage, HistoryText, PageQuery } from "./queries/history.ts";
import type { SearchAnswer, SearchQuestion } from "./queries/search-api.ts";
import type { RestoreAnswer, RestoreStep } from "./restore-api.ts";
import type { FileReference, FileState } from "./tables/files.ts";
import type { Destroyed } from "./tables/tombstone.ts";

/** The RPC interface of a conversation's object. */

/** The header in which the Worker passes the identity that it has verified. Never taken from a client. */
export const IDENTITY_HEADER = "X-Parley-Seat";

export interface SubmitOptions {
  /** Whether to wait until the lists show it. */
  wait: boolean;
  /** Whether to answer who has read the message of the answer. */
  readers: boolean;
}

/** Files that are sent with a message: at least one, all uploaded before by its sender. */
export interface FilesToSend {
  files: readonly FileToSend[];
  /** The claim under which they are reserved: a new one for each call. */
  claim: string;
  /** Claims of earlier calls for the same send, of which the caller never had an answer. */
  earlierClaims?: readonly string[];
}

export interface FileToSend {
  key: string;
  /** What the sender says the file is; refused as `file_mismatch` where it was stored as another. */
  declared?: Pick<Attachment, "name" | "size" | "mimeType">;
}

export interface Submitted {
  result: Result<Answer>;
  /** Whether D1 has it: `false` when that was not waited for, took too long, or D1 fails. */
  listed: boolean;
  /** Who has read the message of the answer, where that was requested. */
  readers: Receipt[];
}

/**
 * What the Worker may ask of a conversation. Written out, because the platform's own type for stubs
 * gives up on JSON of any shape.
 */
export interface ConversationStub {
  create(creation: Creation): Promise<Created>;
  submit(actor: Actor, command: Command, options: SubmitOptions): Promise<Submitted>;
  /** Carries out several commands of one person, at most 128, in order and in one commit. */
  submitAll(
    actor: Actor,
    commands: readonly Command[],
    options: SubmitOptions,
  ): Promise<Submitted[]>;
  /**
   * Sends a message with files in one call: finds what the same send came to before, or reserves the
   * files, commits, and releases them when the message is refused.
   */
  sendWithFiles(
    actor: Actor,
    command: Extract<Command, { type: "send" }>,
    files: FilesToSend,
    options: SubmitOptions,
  ): Promise<Submitted>;
  /**
   * What a send came to that was made before under the same key; refuses one that may not be made, and
   * any other command that would be refused now.
   */
  precheck(actor: Actor, command: Command): Promise<Result<Submitted["result"] | undefined>>;
  /** Voids a claim on uploads, unless a message carries its files: then false. */
  voidClaim(claim: string): Promise<boolean>;
  /** What became of a file that was sent here, or reserved for it; refuses a reader who is no member. */
  fileState(file: FileReference, reader: Actor | null): Promise<Result<FileState>>;
  /**
   * A page of messages: as text in a form, if it knows that form. An object of the previous version
   * knows none.
   */
  history(
    actor: Actor,
    query: PageQuery,
    as?: FormOfPage,
  ): Promise<Result<HistoryPage | HistoryText>>;
  /** Searches the messages that the actor may read. An object of the previous version does not have the method. */
  search(actor: Actor, question: SearchQuestion, as: FormOfPage): Promise<Result<SearchAnswer>>;
  info(actor: Actor): Promise<Result<Info>>;
  overview(actor: Actor): Promise<Result<Overview>>;
  members(actor: Actor, page: PageOf): Promise<Result<Member[]>>;
  /** For an operator. An object of the previous version does not have the method. */
  figures(actor: Actor): Promise<Result<ConversationFigures>>;
  /** Present and former members, in order of their ids, after one; likewise. */
  everyMember(actor: Actor, after: string, limit: number): Promise<Result<Member[]>>;
  /** A page of the people who are banned now. */
  bans(actor: Actor, page: PageOf): Promise<Result<Ban[]>>;
  pins(actor: Actor): Promise<Result<Pin[]>>;
  receipts(actor: Actor, number: number, page: PageOf): Promise<Result<Receipt[]>>;
  /**
   * Subscribes a gateway: every later commit is delivered to it, until it unsubscribes, its person leaves
   * or it answers that it is not subscribed. Subscribing twice is the same as once.
   */
  subscribe(actor: Actor, gateway: PresentGateway): Promise<Result<Subscribed>>;
  unsubscribe(gateway: string): Promise<void>;
  /**
   * Opens the conversation over an inbox socket: subscribes the inbox like a gateway, and resolves to what
   * a native socket would be sent first. May be called twice.
   */
  openRoom(actor: Actor, inbox: PresentGateway, opening: Opening): Promise<Result<Opened>>;
  /** Carries out frames of the native protocol, at most 128, in order; resolves to an answer for each. */
  answerFrames(
    actor: Actor,
    inbox: PresentGateway,
    frames: readonly ClientFrame[],
  ): Promise<FrameAnswer[]>;
  /**
   * Has the inbox of a member called with every commit that concerns them, because somebody is connected
   * to it. Resolves to the newest row, which says where they are no member; `undefined`: they never were.
   */
  rearm(userId: string): Promise<InboxRow | undefined>;
  /**
   * What an inbox is to notify its user of now, if anything. `undefined`: there is no conversation here; an
   * object of the previous version does not have the method.
   */
  notifiable(query: NotifiableQuery): Promise<NotifiableAnswer | undefined>;
  /**
   * Takes facts about blocks between people of the conversation. May be called twice and in any order: of two
   * about the same people the higher version holds.
   */
  applyBlocks(blocks: readonly Block[]): Promise<void>;
  /**
   * Takes that a legal hold stands, or no longer: with the subject `''` on the conversation itself, otherwise on a
   * user who is or was in it. May be called twice. Resolves to whether there is a conversation here.
   */
  hold(subject: string, standing: boolean): Promise<boolean>;
  /**
   * Has messages be kept for so many days whatever the setting says; `null`: as that says. May be called twice.
   * Resolves to whether there is a conversation here.
   */
  retain(days: number | null): Promise<boolean>;
  /** Has it look at what is to be removed by retention: the setting may have changed while it slept. */
  checkRetention(): Promise<void>;
  /** Whether a user has a socket here; those that are silent are closed first. */
  isConnected(userId: string): Promise<boolean>;
  /**
   * Takes what the inbox of a user says of their presence. False: nobody is shown it, so that the
   * conversation need not be told.
   */
  presenceOf(userId: string, presence: ConnectionPresence): Promise<boolean>;
  /** A message that the actor reports and those before it, as they are stored. */
  reportedMessages(actor: Actor, number: number): Promise<Result<ReportedMessage[]>>;
  /** Ends a user's sockets here, and their subscribers, because they are banned; may be called twice. */
  evict(userId: string): Promise<void>;
  /** Broadcasts to the others that the actor types, or has stopped. */
  typing(actor: Actor, active: boolean): Promise<Result<null>>;
  /**
   * What changed after `since`, in its present state, a page of it. Messages created after `known` are
   * new ones: with several pages, it is where the first began. `origin` is the address that
   * the actor connected to.
   */
  eventsSince(actor: Actor, since: number, known: number, origin: string): Promise<Result<Batch>>;
  /**
   * Projects the whole conversation to D1, from the start or from the projection's cursor, and waits for it; of one
   * that was deleted, that it was.
   * `undefined`: there is no conversation here.
   */
  rebuild(from: "start" | "here"): Promise<Rebuilt | undefined>;
  /**
   * Erases a person, as far as a few seconds allow. Restarts the object once everything is written, so that the
   * call fails and is to be made again. `undefined`: there is no conversation here.
   */
  erase(request: ErasureRequest): Promise<ErasureProgress | undefined>;
  /**
   * A page of what an export contains; whoever asks has decided that it may. An object of the previous version
   * does not have the method.
   */
  exported(part: ExportPart, after: string | undefined): Promise<Result<ExportPage>>;
  /**
   * Deletes the conversation: nothing is left but that its id was used, and every other method answers as if there
   * were none. Restarts the object, so that the call fails and is to be made again; once deleted it resolves to
   * the same each time. `undefined`: there is no conversation here, and never was.
   */
  destroy(): Promise<Destroyed | undefined>;
  /** A step of a restore to an earlier state; see {@link RestoreStep}. */
  restore(request: RestoreStep): Promise<Result<RestoreAnswer>>;
  fetch(request: Request): Promise<Response>;
}

/** How much of a conversation D1 has. */
export interface Rebuilt {
  conversationId: string;
  rev: number;
  /** The revision up to which D1 has everything: `rev` when it is done; the rest is written in the background. */
  projectedRev: number;
}

/** What an operator is told of a conversation. */
export interface ConversationFigures {
  conversation: Conversation;
  /** Which life of the conversation it is: another one after a restore. */
  epoch: string;
  memberCount: number;
  /** The number of the newest message, and how many count. */
  lastNumber: number;
  counted: number;
  rev: number;
  /** D1 has everything up to this revision. */
  projectedRev: number;
  /** What the object stores, its search index included; its files are elsewhere. */
  storedBytes: number;
  sockets: number;
  /** Gateways and inboxes that are called with its commits. */
  subscribers: number;
  /** How many messages the search index has; null: there is none. */
  indexed: number | null;
  /** Legal holds: on itself, and on people who are or were in it. */
  holds: number;
}

export interface Info {
  conversation: Conversation;
  memberCount: number;
  /** The caller's own membership, if they are in it. */
  you: Member | undefined;
}

/** All of a conversation that is not a channel, for a page that shows it whole. */
export interface Overview {
  conversation: Conversation;
  /** The present members. */
  members: Member[];
  /** The newest message that counts, and who has read it. */
  lastMessage: { message: Message; readers: Receipt[] } | undefined;
  /** By user id. */
  unread: Map<string, number>;
  /** The caller's unread mentions; an object of the previous version knows none. */
  unreadMentions?: number;
}
