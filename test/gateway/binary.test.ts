import { Buffer } from "node:buffer";
import { expect, test } from "vitest";
import { Polled } from "../abuse/gateway-calls.ts";
import { type Caller, directPair } from "../support.ts";
import { Io } from "./line.ts";

/** Binary data of Socket.IO clients is refused with an error, and the connection stays open. */

const bytes = (length: number) => new Uint8Array(length).buffer as ArrayBuffer;
const placeholder = (num: number) => ({ _placeholder: true, num });
const REFUSED = {
  success: false,
  error: "Binary data is not accepted; upload files.",
  code: "invalid_request",
};

/** An event whose arguments contain a file. */
const withFile = (chatId: string, id: number) =>
  `451-${id}${JSON.stringify(["send-message", { chatId, content: "x", metadata: { file: placeholder(0) } }])}`;

const answerOf = (packet: string | undefined) => JSON.parse(packet?.replace(/^\d+/, "") ?? "null");

test("over a socket: refused, and the next event is accepted", async () => {
  const { alice, conversationId } = await directPair();
  const io = await Io.connect(alice);
  io.line.say(withFile(conversationId, 77));
  io.line.say(bytes(10));
  const answer = await io.line.receives((text) => text.startsWith("4377"));
  expect(answerOf(answer)).toEqual([REFUSED]);
  const sent = await io.ask("send-message", { chatId: conversationId, content: "words" });
  expect(sent).toMatchObject({ success: true });
});

test("by polling, in base64", async () => {
  const { alice, conversationId } = await directPair();
  const one = await Polled.connect(alice);
  const file = `b${Buffer.from(bytes(10)).toString("base64")}`;
  await one.post(withFile(conversationId, 77), file, '4278["nonsense"]');
  const heard = await one.until((packet) => packet.startsWith("4378"));
  expect(answerOf(heard.find((packet) => packet.startsWith("4377")))).toEqual([REFUSED]);
  // The attachment may arrive in another request than its event.
  await one.post(withFile(conversationId, 79));
  await one.post(file);
  await one.until((packet) => packet.startsWith("4379"));
});

test.each([
  ["as an argument", ["join-chat-room", placeholder(0)], 1],
  ["that is named nowhere", ["join-chat-room", "x"], 1],
  ["ten of them", ["send-message", Array.from({ length: 10 }, (_, i) => placeholder(i))], 10],
])("in any place of an event: %s", async (_, event, attachments) => {
  const { alice } = await directPair();
  const io = await Io.connect(alice);
  io.line.say(`45${attachments}-77${JSON.stringify(event)}`);
  for (let i = 0; i < attachments; i++) io.line.say(bytes(60_000));
  const answer = await io.line.receives((text) => text.startsWith("4377"));
  expect(answerOf(answer)).toEqual([REFUSED]);
});

test("acknowledgements with attachments are ignored, as those without", async () => {
  const { alice } = await directPair();
  const io = await Io.connect(alice);
  io.line.say(`461-0${JSON.stringify([placeholder(0)])}`);
  io.line.say(bytes(10));
  expect(await io.ask("nonsense")).toMatchObject({ code: "invalid_request" });
});

test.each([
  ["bytes that belong to no event", (io: Io) => io.line.say(bytes(10))],
  ["more than ten attachments", (io: Io) => io.line.say('4511-0["x"]')],
  [
    "an attachment over 64 KiB",
    (io: Io) => {
      io.line.say('451-0["x"]');
      io.line.say(bytes(64 * 1024 + 1));
    },
  ],
  [
    "an event in the place of an attachment",
    (io: Io) => {
      io.line.say('451-0["x"]');
      io.line.say('42["nonsense"]');
    },
  ],
  [
    "a place that there is not",
    (io: Io) => {
      io.line.say(`451-0${JSON.stringify(["x", placeholder(7)])}`);
      io.line.say(bytes(10));
    },
  ],
])("unreadable data closes the connection: %s", async (_, say) => {
  const { alice }: { alice: Caller } = await directPair();
  const io = await Io.connect(alice);
  say(io);
  await io.line.closed;
});
