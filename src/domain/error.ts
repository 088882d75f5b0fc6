import type { Allowance } from "./rate-window.ts";

/**
 * The registry of error codes. Each transport maps a code to its own terms (HTTP status, `error`
 * frame). The message says what is wrong and what to do, and reveals no internals.
 */
export const ERRORS = {
  unauthenticated: [401, "Send a valid, unexpired bearer token."],
  malformed_json: [400, "The body is not valid JSON."],
  unsupported_media_type: [415, "Send the body as JSON, with Content-Type: application/json."],
  invalid_request: [400, "The request does not have the expected shape; see details."],
  payload_too_large: [413, "The body is too large; at most 256 KiB are accepted."],
  route_not_found: [404, "There is nothing at this address with this method."],
  upgrade_required: [426, "Open a WebSocket here: send Upgrade: websocket."],
  connection_not_found: [404, "There is no such connection; negotiate a new one."],
  origin_not_allowed: [403, "Pages of this origin may not connect; see ALLOWED_ORIGINS."],

  conversation_not_found: [404, "There is no such conversation."],
  job_not_found: [404, "There is no such job."],
  job_running: [409, "Such a job is running already; see its progress, or cancel it."],
  too_many_jobs: [409, "Twenty jobs are unfinished; wait until one has ended, or cancel one."],
  job_finished: [409, "The job has ended; there is nothing to cancel."],
  legal_hold: [
    409,
    "A legal hold stands: nothing of it may be deleted or erased until it is lifted.",
  ],
  user_not_found: [404, "There is no such person here."],
  archive_gone: [410, "The archive was removed, or is not there yet; export again."],
  export_too_large: [
    409,
    "There is more than one archive can hold: export the conversations one by one.",
  ],
  restore_unavailable: [
    409,
    "The storage cannot go back to that time: it keeps thirty days, from the creation on.",
  ],
  message_not_found: [404, "There is no such message in this conversation."],
  not_a_member: [403, "Only members of this conversation may do this."],
  forbidden: [403, "Your role does not allow this."],

  not_a_group: [400, "Only groups take and lose participants."],
  already_a_member: [400, "This person is in it already."],
  participant_not_found: [404, "This person is not in it."],
  too_few_members: [400, "At least two people must stay in a group."],
  no_request: [400, "There is no request of this conversation that you could decline."],
  group_full: [400, "A group holds at most 1,000 people."],

  channel_archived: [400, "The channel is archived; it can only be read."],
  invitation_not_found: [404, "This person has no open invitation to the channel."],
  invitation_required: [400, "This channel is private; a moderator must invite you first."],
  purchase_request_not_found: [404, "There is no such purchase request for these people."],
  not_in_channel: [400, "This person is not a member of the channel."],
  owner_stays: [400, "The owner of a channel stays in it, and stays its owner."],
  already_a_moderator: [400, "This person is a moderator already."],
  not_a_moderator: [400, "This person is not a moderator."],

  too_many_levels: [
    400,
    "At most 1,000 conversations can have a level of their own; set others to default.",
  ],

  invalid_query: [
    400,
    "Search for one to ten words, phrases or filters, in at most 256 characters.",
  ],

  unsupported_emoji: [400, "This is not one of the supported emojis."],
  reaction_not_found: [400, "You have not left this reaction on the message."],

  empty_content: [400, "A message needs text that is more than white space."],
  content_too_long: [400, "The text is too long."],
  control_characters: [400, "Text must not hold control characters other than newline and tab."],
  invalid_reply: [400, "A reply must name a message of the same conversation."],
  invalid_mentions: [400, "Only members of this conversation can be mentioned."],
  unknown_messages: [400, "Some of these messages are not in this conversation."],
  invalid_participants: [400, "These participants cannot have this conversation."],
  unknown_user: [400, "Some of these people are not known here."],
  unknown_attachments: [400, "Some of these files were not uploaded by you, or were sent before."],
  attachments_busy: [409, "These files are being sent right now; try again in a few seconds."],
  no_file: [400, "Send one file, in the field file."],
  several_files: [400, "Send one file only."],
  empty_file: [400, "The file is empty."],
  file_too_large: [400, "The file is too large: at most 50 MB are accepted."],
  unsupported_type: [
    400,
    "Files of this type are not accepted, or the file is not what its name says.",
  ],
  invalid_file_name: [400, "A file needs a name of 1 to 255 characters, in one line."],
  invalid_form: [400, "The form cannot be read: send multipart/form-data, whole, with a boundary."],
  incomplete_body: [400, "The body ended before the file did."],
  upload_timeout: [408, "The file came too slowly, or stopped coming; send it again."],
  file_mismatch: [400, "Size, type or name differ from what was uploaded."],
  file_not_found: [404, "There is no such file."],
  invalid_link: [403, "The link is not valid, or not any more; ask for the message again."],

  idempotency_conflict: [409, "This clientMessageId was used for another message; use a new one."],

  message_deleted: [400, "The message was deleted."],
  system_message: [400, "Messages of the system cannot be changed."],
  not_the_author: [403, "Only the author may do this."],
  cannot_contact: [403, "You and this person cannot contact each other."],
  too_many_blocks: [400, "At most 1,000 people can be blocked; unblock some."],
  rejected: [400, "This is not accepted here; change it before you try again."],
  banned: [403, "This account may not use the service."],
  report_not_found: [404, "There is no such report."],
  report_claimed: [409, "Somebody else is working on this report."],
  report_resolved: [409, "This report has been resolved."],
  edit_window_closed: [400, "The time in which this message could be edited is over."],

  not_moderated: [400, "Only groups and channels are moderated."],
  muted: [403, "You are muted here: you can read, and not write, until the mute ends."],
  conversation_locked: [403, "The conversation is locked: only its owner and moderators write."],
  slow_mode: [429, "Slow mode is on: wait before you send another message here."],
  banned_here: [403, "This person is banned from the conversation."],
  ban_not_found: [404, "This person is not banned here."],
  too_many_bans: [400, "At most 10,000 people can be banned from a conversation."],
  too_many_pins: [400, "At most 50 messages can be pinned; unpin one first."],
  not_pinned: [404, "The message is not pinned."],
  end_in_the_past: [400, "The end must be in the future."],

  push_not_configured: [404, "This server sends no push messages; it has no VAPID_PRIVATE_KEY."],

  rate_limited: [429, "Too many requests; wait before you try again."],
  frame_too_large: [413, "A frame holds at most 64 KiB."],
  invalid_frame: [400, "A frame holds JSON objects of the protocol, one a line; see docs."],

  misconfigured: [503, "The server is not configured; its operator finds the reason in the log."],
  unavailable: [503, "This cannot be answered right now; try again soon."],
  internal: [500, "Something went wrong here, and is logged; try again, or tell the operator."],
} as const satisfies Record<string, readonly [status: number, message: string]>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorDetail {
  /** Where in the input, dotted: `participantIds.2`. */
  path: string;
  message: string;
}

/** An expected failure: a value, because exceptions lose their class across Durable Object RPC. */
export interface ChatError {
  code: ErrorCode;
  message: string;
  details?: ErrorDetail[];
  /** Milliseconds after which a retry may succeed. */
  retryAfterMs?: number;
  /** Of `rate_limited`: the name of the limit, as docs/operations.md lists them. */
  limit?: string;
  /** Of a send: the sender's rate limit. */
  rate?: Allowance;
}

export type Result<T> = { ok: true; value: T } | { ok: false; error: ChatError };

export type Failure = Extract<Result<never>, { ok: false }>;

export function ok<T>(value: T): { ok: true; value: T } {
  return { ok: true, value };
}

/** A failure with the registry's message, or a more specific one. */
export function fail(code: ErrorCode, more: Partial<Omit<ChatError, "code">> = {}): Failure {
  return { ok: false, error: chatError(code, more) };
}

export function chatError(code: ErrorCode, more: Partial<Omit<ChatError, "code">> = {}): ChatError {
  return { code, message: ERRORS[code][1], ...more };
}

/** The HTTP status of a code. */
export function statusOf(code: ErrorCode): (typeof ERRORS)[ErrorCode][0] {
  return ERRORS[code][0];
}

/**
 * Makes a `switch` over a union exhaustive: reaching it is a type error, and throws if types were
 * bypassed.
 */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
}
