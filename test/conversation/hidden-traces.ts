/** Finds what is left of a person in what another one was sent, who is to see nothing of them but placeholders. */

/** In every text, file name, key and the like that the person chose. */
export const MARK = "secret-of-eve";

// biome-ignore lint/suspicious/noExplicitAny: looks at whatever the server answers
type Any = any;

/** What a conversation says of its people, whoever hides whom: who they are, and what they did to it. */
const FACTS = new Set([
  ...["createdBy", "ownerId", "participantId", "participantIds", "members", "userIds of a list"],
]);

/** The places in a value, each with what is found there. */
export function tracesOf(value: Any, userId: string, at = ""): string[] {
  if (typeof value === "string") {
    if (value.includes(MARK)) return [`${at}: ${value}`];
    return value === userId ? [`${at}: the id`] : [];
  }
  if (Array.isArray(value)) {
    return value.flatMap((one, index) => tracesOf(one, userId, `${at}[${index}]`));
  }
  if (typeof value !== "object" || value === null) return [];
  if (isPlaceholder(value, userId) || isPerson(value, userId)) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    FACTS.has(key) && !holdsPeople(inner) ? [] : tracesOf(inner, userId, `${at}.${key}`),
  );
}

/** Placeholders of a person's messages, in whichever form. */
export function placeholdersIn(value: Any, userId: string): Any[] {
  if (typeof value !== "object" || value === null) return [];
  const own = isPlaceholder(value, userId) ? [value] : [];
  return [...own, ...Object.values(value).flatMap((inner) => placeholdersIn(inner, userId))];
}

/** A message of theirs that says nothing but that it is there. */
function isPlaceholder(value: Any, userId: string): boolean {
  if (value.senderId !== userId || value.hidden !== true) return false;
  const { content, attachments, reactions = [], metadata = null, mentions, mentionsAll } = value;
  const { clientMessageId = null, replyTo = null, replyToMessageId = null } = value;
  const isEmpty = (list: Any) => list === 0 || list.length === 0;
  const isText = ["text", "Text"].includes(value.kind ?? value.type);
  return (
    content === "" &&
    isText &&
    isEmpty(attachments) &&
    isEmpty(reactions) &&
    [metadata, clientMessageId, replyTo, replyToMessageId].every((one) => one === null) &&
    mentions === undefined &&
    mentionsAll === undefined &&
    (value.readBy ?? []).every((one: Any) => one.userId !== userId)
  );
}

/** Their entry in a list of members, or that they have gone offline; system messages name them as well. */
function isPerson(value: Any, userId: string): boolean {
  if (value.type === "presence") return value.userId === userId && value.online === false;
  const isMember = "role" in value || "isOwner" in value || "blockedAt" in value;
  const isAnnounced = Object.keys(value).join() === "userId";
  return value.userId === userId && (isMember || isAnnounced);
}

function holdsPeople(value: Any): boolean {
  return Array.isArray(value) && value.some((one) => typeof one === "object");
}
