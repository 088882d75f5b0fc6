/** What `npm run admin` can do: each act is one request of the admin API. */

export type Options = Readonly<Record<string, string | boolean | undefined>>;

export interface Act {
  /** `users ban` */
  name: string;
  /** What stands behind the name, as the usage shows it; `undefined`: nothing. */
  argument?: "ID" | "[TEXT]";
  /** The options it takes, with what their values are; `true`: none. Those in `needs` have to be given. */
  options?: Readonly<Record<string, string | true>>;
  needs?: readonly string[];
  does: string;
  method: "GET" | "POST" | "PUT" | "DELETE";
  path(id: string): string;
  /** Of a reading act: the query. */
  query?(text: string | undefined, options: Options): Record<string, unknown>;
  /** Of the others: the body. */
  body?(options: Options): object;
  /** It cannot be undone: the id has to be typed. */
  isFinal?: true;
  /** It is answered with a job, which can be waited for. */
  isJob?: true;
  /** Of a list: the fields that are shown. */
  columns?: readonly string[];
}

const PAGE = { limit: "N", cursor: "CURSOR" };
const REASON = { reason: "TEXT" };
const JOB = { ...REASON, wait: true as const };
const USER_COLUMNS = ["id", "name", "role", "provisionedRole", "bot", "lastSeenAt"];
const CONVERSATION_COLUMNS = [
  "id",
  "kind",
  "title",
  "memberCount",
  "messageCount",
  "lastMessageAt",
];
const JOB_COLUMNS = ["id", "kind", "target", "state", "done", "total", "createdBy", "createdAt"];

const user = (id: string) => `/users/${encodeURIComponent(id)}`;
const conversation = (id: string) => `/conversations/${encodeURIComponent(id)}`;
const job = (id: string) => `/jobs/${encodeURIComponent(id)}`;
const some =
  (...names: readonly string[]) =>
  (options: Options) =>
    Object.fromEntries(
      names.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
    );
const page = some("limit", "cursor");
const reason = some("reason");

export const ACTS: readonly Act[] = [
  {
    ...{ name: "users find", argument: "[TEXT]", options: PAGE, method: "GET" },
    does: "users by their id or the beginnings of words of their name",
    path: () => "/users",
    query: (q, options) => ({ q, ...page(options) }),
    columns: USER_COLUMNS,
  },
  { name: "users show", argument: "ID", method: "GET", does: "one user", path: user },
  {
    ...{ name: "users conversations", argument: "ID", options: PAGE, method: "GET" },
    does: "the conversations that a user is or was in",
    path: (id) => `${user(id)}/conversations`,
    query: (_, options) => page(options),
    columns: ["id", "kind", "title", "membership.role", "membership.joinedAt", "membership.leftAt"],
  },
  {
    ...{ name: "users ban", argument: "ID", method: "PUT" },
    options: { ...REASON, until: "TIME" },
    does: "bans a user from the service",
    path: (id) => `${user(id)}/ban`,
    body: (options) => ({
      ...reason(options),
      ...(options["until"] && { expiresAt: options["until"] }),
    }),
  },
  {
    ...{ name: "users unban", argument: "ID", options: REASON, method: "DELETE" },
    does: "lifts the ban",
    path: (id) => `${user(id)}/ban`,
    body: reason,
  },
  {
    ...{ name: "users export", argument: "ID", options: JOB, needs: ["reason"], method: "POST" },
    does: "writes an archive of everything that a user may have of themselves",
    path: (id) => `${user(id)}/export`,
    body: reason,
    isJob: true,
  },
  {
    ...{ name: "users erase", argument: "ID", method: "POST", isFinal: true, isJob: true },
    options: { messages: "clear|keep", ...JOB },
    needs: ["messages", "reason"],
    does: "erases a user; their messages are cleared, or kept without a name",
    path: (id) => `${user(id)}/erase`,
    body: some("messages", "reason"),
  },
  {
    ...{ name: "users hold", argument: "ID", options: JOB, needs: ["reason"], method: "PUT" },
    isJob: true,
    does: "places a legal hold on a user and their conversations",
    path: (id) => `${user(id)}/legal-hold`,
    body: reason,
  },
  {
    ...{ name: "users unhold", argument: "ID", options: JOB, needs: ["reason"] },
    ...{ method: "DELETE", isFinal: true, isJob: true },
    does: "lifts it: what is due for deletion may be deleted at once",
    path: (id) => `${user(id)}/legal-hold`,
    body: reason,
  },
  {
    ...{ name: "conversations find", method: "GET" },
    options: { member: "ID", title: "TEXT", kind: "KIND", ...PAGE },
    does: "conversations by a member or their title",
    path: () => "/conversations",
    query: (_, options) => some("member", "title", "kind", "limit", "cursor")(options),
    columns: CONVERSATION_COLUMNS,
  },
  {
    ...{ name: "conversations show", argument: "ID", method: "GET" },
    does: "one conversation",
    path: conversation,
  },
  {
    ...{ name: "conversations members", argument: "ID", options: PAGE, method: "GET" },
    does: "its members",
    path: (id) => `${conversation(id)}/members`,
    query: (_, options) => page(options),
    columns: ["userId", "role", "joinedAt", "leftAt"],
  },
  {
    ...{ name: "conversations export", argument: "ID", method: "POST", isJob: true },
    options: { held: true, ...JOB },
    needs: ["reason"],
    does: "writes an archive of it; --held: also what a legal hold has kept from deletion",
    path: (id) => `${conversation(id)}/export`,
    body: some("held", "reason"),
  },
  {
    ...{ name: "conversations delete", argument: "ID", options: JOB, needs: ["reason"] },
    ...{ method: "DELETE", isFinal: true, isJob: true },
    does: "deletes everything of it, for ever",
    path: conversation,
    body: reason,
  },
  {
    ...{
      name: "conversations restore",
      argument: "ID",
      method: "POST",
      isFinal: true,
      isJob: true,
    },
    options: { at: "TIME", ...JOB },
    needs: ["at", "reason"],
    does: "takes it back to what it was at a time of the last 30 days; what came since is gone",
    path: (id) => `${conversation(id)}/restore`,
    body: some("at", "reason"),
  },
  {
    ...{ name: "conversations hold", argument: "ID", options: REASON, needs: ["reason"] },
    method: "PUT",
    does: "places a legal hold on it",
    path: (id) => `${conversation(id)}/legal-hold`,
    body: reason,
  },
  {
    ...{ name: "conversations unhold", argument: "ID", options: REASON, needs: ["reason"] },
    ...{ method: "DELETE", isFinal: true },
    does: "lifts it: what is due for deletion may be deleted at once",
    path: (id) => `${conversation(id)}/legal-hold`,
    body: reason,
  },
  {
    ...{ name: "holds list", method: "GET", does: "all legal holds" },
    path: () => "/legal-holds",
    columns: ["subject", "id", "placedBy", "placedAt", "reason"],
  },
  {
    ...{ name: "jobs list", method: "GET", does: "jobs, the newest first" },
    options: { state: "STATE", kind: "KIND", target: "ID", ...PAGE },
    path: () => "/jobs",
    query: (_, options) => some("state", "kind", "target", "limit", "cursor")(options),
    columns: JOB_COLUMNS,
  },
  { name: "jobs show", argument: "ID", method: "GET", does: "how far a job is", path: job },
  {
    ...{ name: "jobs wait", argument: "ID", method: "GET", isJob: true },
    does: "waits for its end; exits with 1 unless it is done",
    path: job,
  },
  {
    ...{ name: "jobs cancel", argument: "ID", method: "POST", does: "has a job stop" },
    path: (id) => `${job(id)}/cancel`,
    body: () => ({}),
  },
  {
    ...{ name: "jobs archive", argument: "ID", method: "GET" },
    does: "a link to the archive of an export, good for a day",
    path: (id) => `${job(id)}/archive`,
  },
];

/** How an act is written. */
export function usageOf({ name, argument, options = {}, needs = [] }: Act): string {
  const shown = Object.entries(options).map(([option, value]) => {
    const text = value === true ? `--${option}` : `--${option} ${value}`;
    return needs.includes(option) ? text : `[${text}]`;
  });
  return [name, argument, ...shown].filter(Boolean).join(" ");
}
