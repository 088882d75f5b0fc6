/**
 * Answers every message with its text, in the conversations of the user whose token it has, at most 100 of them:
 *
 *     PARLEY_URL=http://localhost:8787 PARLEY_TOKEN=… node bot.js
 *
 * It answers a message once, however often it or its connection ends: what it has answered it marks as read, and the
 * answer's `clientMessageId` is made of the id of what it answers. Of what it missed, it answers the newest 50
 * messages of each conversation.
 */
import { Parley } from "parley-chat-client";

const { PARLEY_URL = "http://localhost:8787", PARLEY_TOKEN = "" } = process.env;

const parley = new Parley({ url: PARLEY_URL, token: () => PARLEY_TOKEN });
const inbox = parley.inbox();
const open = new Set();

inbox.on("row", ({ row }) => {
  if (row.unread > 0 && !open.has(row.conversationId)) listen(row.conversationId);
});
inbox.on("status", (status) => {
  if (status.state !== "closed") return;
  console.error(`The server closed the connection: ${status.reason}`);
  process.exitCode = 1;
});
await inbox.connect().live();
const me = inbox.you.userId;
console.log(`Echoing as ${me}.`);

function listen(id) {
  open.add(id);
  const conversation = parley.conversation(id, { over: inbox });
  // One answer after the other, so that they have the order of the messages.
  let last = Promise.resolve();
  conversation.on("message", ({ cause, message }) => {
    if (cause !== "created" && cause !== "sync") return;
    last = last.then(() => answer(conversation, message)).catch(console.error);
  });
  conversation.on("status", ({ state }) => state === "closed" && open.delete(id));
  conversation.connect();
}

async function answer(conversation, { id, number, senderId, deletedAt, content }) {
  const isOwn = senderId === me || senderId === null;
  const isRead = [...conversation.reads].some(
    ({ userId, from, to }) => userId === me && from <= number && number <= to,
  );
  if (isOwn || isRead || deletedAt !== null || content === "") return;
  await conversation.send({ content, clientMessageId: `echo-${id}` });
  await conversation.read({ messageIds: [id] });
}
