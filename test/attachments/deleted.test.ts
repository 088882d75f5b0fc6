import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { DELAY_MS } from "../../src/conversation/outbound/projection/projector.ts";
import { type Caller, directPair, openLive, type Socket } from "../support.ts";
import { deleteMessage, getFile, keyOf, rowOf, upload } from "./support.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

async function statusOf(url: string, headers: Record<string, string> = {}): Promise<number> {
  const response = await getFile(url, { headers });
  await response.body?.cancel();
  return response.status;
}

/** The statuses of requests for a file: by link, and by each caller's token. */
async function answers(url: string, ...callers: Caller[]): Promise<number[]> {
  const path = new URL(url).pathname;
  const bearers = callers.map(({ token }) => ({ Authorization: `Bearer ${token}` }));
  return [
    await statusOf(url),
    ...(await Promise.all(bearers.map((headers) => statusOf(path, headers)))),
  ];
}

/** A pair, and a file that one of them has sent over a socket. */
async function sentFile() {
  const { alice, bob, conversationId } = await directPair();
  const socket = await openLive(alice, conversationId);
  const { fileUrl } = (await upload(alice, "digits.txt", "0123456789")).body;
  const messageId = await sendOver(socket, fileUrl);
  return { alice, bob, conversationId, socket, fileUrl, messageId };
}

async function sendOver(socket: Socket, fileUrl: string): Promise<string> {
  socket.send({ op: "send", id: 1, content: "", attachments: [keyOf(fileUrl)] });
  return (await socket.next("ack", ({ id }) => id === 1)).messageId ?? "";
}

async function deleteOver(socket: Socket, messageId: string): Promise<void> {
  socket.send({ op: "delete", id: 2, messageId });
  await socket.next("ack", ({ id }) => id === 2);
}

/** Ways in which writes to D1 do not complete while reads do. */
const OUTAGES: [string, () => unknown][] = [
  [
    "D1 is being written",
    () => vi.spyOn(env.DB, "batch").mockReturnValue(Promise.withResolvers<never>().promise),
  ],
  [
    "D1 cannot be written",
    () => vi.spyOn(env.DB, "batch").mockRejectedValue(new Error("D1_ERROR: cannot write")),
  ],
];

test.each(OUTAGES)("while %s, the files of a deleted message are refused", async (_, begin) => {
  const { alice, bob, socket, fileUrl, messageId } = await sentFile();
  expect(await answers(fileUrl, alice, bob)).toEqual([200, 200, 200]);
  begin();
  await deleteOver(socket, messageId);
  expect(await answers(fileUrl, alice, bob)).toEqual([404, 404, 404]);
});

test.each(OUTAGES)(
  "while %s, the files of a message deleted over REST are refused",
  async (_, begin) => {
    const { alice, bob, conversationId, fileUrl, messageId } = await sentFile();
    begin();
    await deleteMessage(alice, conversationId, messageId);
    expect(await answers(fileUrl, alice, bob)).toEqual([404, 404, 404]);
  },
);

test.each(OUTAGES)(
  "while %s, a message that D1 does not have serves its files until it is deleted",
  async (_, begin) => {
    const { alice, bob, conversationId } = await directPair();
    const socket = await openLive(alice, conversationId);
    const { fileUrl } = (await upload(alice, "digits.txt", "0123456789")).body;
    begin();
    const messageId = await sendOver(socket, fileUrl);
    expect(await answers(fileUrl, alice, bob)).toEqual([200, 200, 200]);
    await deleteOver(socket, messageId);
    expect(await answers(fileUrl, alice, bob)).toEqual([404, 404, 404]);
  },
);

test("the deletion of a file is written to D1 without delay", async () => {
  const { socket, fileUrl, messageId } = await sentFile();
  await until(async () => (await rowOf(keyOf(fileUrl)))?.sent_number === 1);
  // A delayed projection never runs.
  const later = setTimeout.bind(globalThis);
  vi.spyOn(globalThis, "setTimeout").mockImplementation(((work: () => void, ms?: number) =>
    ms === DELAY_MS ? 0 : later(work, ms)) as typeof setTimeout);
  await deleteOver(socket, messageId);
  await until(async () => (await rowOf(keyOf(fileUrl)))?.deleted_at !== null);
});

/** Queries D1 until `done` returns true. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) if (await holds()) return;
  throw new Error("it never came to that");
}
