/**
 * (c) A common alternative: a Node server with socket.io, Express and SQLite (WAL, `synchronous =
 * FULL`), one insert a message. `node node-server.ts FOLDER` prints its address, and runs until
 * killed.
 */
import { createServer } from "node:http";
import { DatabaseSync } from "node:sqlite";
import express from "express";
import { jwtVerify } from "jose";
import { Server } from "socket.io";
import { developmentSettings } from "../../src/cli/settings.ts";

const secret = new TextEncoder().encode(developmentSettings()["JWT_SECRET"]);
const database = new DatabaseSync(`${process.argv[2]}/chat.sqlite`);
database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
  CREATE TABLE messages (number INTEGER PRIMARY KEY, conversation_id TEXT, sender_id TEXT,
    client_message_id TEXT, content TEXT, created_at INTEGER);
  CREATE UNIQUE INDEX messages_sent ON messages (sender_id, client_message_id);
  CREATE INDEX messages_in_order ON messages (conversation_id, number)`);
const insert = database.prepare(
  `INSERT INTO messages (conversation_id, sender_id, client_message_id, content, created_at)
   VALUES (?, ?, ?, ?, ?)`,
);
const newest = database.prepare(
  "SELECT * FROM messages WHERE conversation_id = ? ORDER BY number DESC LIMIT 50",
);

// Search: FTS5 by words and by three characters each, and nothing at all for LIKE.
database.exec(`CREATE TABLE texts (number INTEGER PRIMARY KEY, content TEXT);
  CREATE VIRTUAL TABLE words USING fts5 (content, content = '', detail = full);
  CREATE VIRTUAL TABLE trigrams USING fts5 (content, content = '', tokenize = 'trigram')`);
const byIndex = (table: string) =>
  `SELECT number, texts.content FROM ${table} JOIN texts ON number = ${table}.rowid
   WHERE ${table} MATCH ? ORDER BY ${table}.rowid DESC LIMIT 20`;
const SEARCHES: Readonly<Record<string, string>> = {
  words: byIndex("words"),
  trigrams: byIndex("trigrams"),
  like: "SELECT number, content FROM texts WHERE content LIKE ? ORDER BY number DESC LIMIT 20",
};
const searches = Object.fromEntries(
  Object.entries(SEARCHES).map(([by, sql]) => [by, database.prepare(sql)]),
);

interface Sent {
  conversationId: string;
  content: string;
  clientMessageId: string;
}

function store(userId: string, { conversationId, content, clientMessageId }: Sent) {
  const sentAt = Date.now();
  const { lastInsertRowid } = insert.run(conversationId, userId, clientMessageId, content, sentAt);
  return { number: Number(lastInsertRowid), senderId: userId, content, clientMessageId, sentAt };
}

const userOf = async (token: string) => String((await jwtVerify(token, secret)).payload.sub);

const app = express();
app.use(express.json({ limit: "10mb" }));
app.post("/messages", async (request, response) => {
  const userId = await userOf(String(request.headers.authorization).slice("Bearer ".length));
  const { number, sentAt } = store(userId, request.body);
  response.status(201).json({ messageId: number, sentAt });
});
app.get("/messages", async (request, response) => {
  await userOf(String(request.headers.authorization).slice("Bearer ".length));
  response.json({ items: newest.all(String(request.query["conversationId"])) });
});
app.put("/texts", (request, response) => {
  const adds = [
    "texts (number, content)",
    "words (rowid, content)",
    "trigrams (rowid, content)",
  ].map((columns) => database.prepare(`INSERT INTO ${columns} VALUES (?, ?)`));
  database.exec("BEGIN");
  for (const [number, content] of request.body) for (const add of adds) add.run(number, content);
  database.exec("COMMIT");
  response.json({});
});
app.get("/search", async (request, response) => {
  await userOf(String(request.headers.authorization).slice("Bearer ".length));
  const { by, q } = request.query;
  response.json({ items: searches[String(by)]?.all(String(q)) });
});

const server = createServer(app);
const io = new Server(server, { transports: ["websocket"] });
io.use((socket, next) => {
  userOf(String(socket.handshake.auth["token"])).then(
    (userId) => {
      socket.data.userId = userId;
      next();
    },
    (error) => next(error),
  );
});
io.on("connection", (socket) => {
  const conversationId = String(socket.handshake.auth["conversationId"]);
  void socket.join(conversationId);
  socket.on("send", (message: Sent, acknowledge: (answer: unknown) => void) => {
    const stored = store(socket.data.userId, message);
    io.to(conversationId).emit("message", stored);
    acknowledge({ number: stored.number });
  });
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  console.log(`serving at http://127.0.0.1:${address.port} .`);
});
