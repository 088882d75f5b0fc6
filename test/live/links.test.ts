import { exports } from "cloudflare:workers";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { PROTOCOL } from "../../src/live/version.ts";
import { sample } from "../attachments/samples.ts";
import { asAttachment, upload } from "../attachments/support.ts";
import { Hub, Io } from "../gateway/line.ts";
import { type Caller, directPair, person, Socket } from "../support.ts";

/** Without a PUBLIC_URL, links to files begin with the origin by which their reader connected. */

const [HERE, THERE] = ["http://localhost:8787", "http://192.168.1.7:8787"];
const WITH = "/api/v1/chat/messages/with-attachments";

let alice: Caller;
let bob: Caller;
let conversationId: string;
beforeEach(async () => {
  ({ alice, bob, conversationId } = await directPair());
});

async function openAt(origin: string, caller: Caller, query = ""): Promise<Socket> {
  const url = `${origin}/live/${conversationId}${query}`;
  const headers = {
    ...{ Upgrade: "websocket", "Sec-WebSocket-Protocol": PROTOCOL },
    Authorization: `Bearer ${caller.token}`,
  };
  const socket = new Socket(await exports.default.fetch(new Request(url, { headers })));
  onTestFinished(() => socket.close());
  await socket.next("sync");
  return socket;
}

/** Alice sends a file, from a third origin. */
async function sendFile(): Promise<string> {
  const file = await upload(alice, "a.pdf", sample("pdf").content);
  const attachments = [asAttachment(file)];
  const { status, body } = await alice.post(WITH, { conversationId, attachments });
  expect(status).toBe(201);
  return body.messageId;
}

/** The distinct origins of the links in a value. */
function originsIn(received: unknown): string[] {
  const links = JSON.stringify(received).matchAll(/(https?:\/\/[^/"]+)\/uploads\/chat\//g);
  return [...new Set(Array.from(links, ([, origin = ""]) => origin))];
}

test("sockets of several origins each receive a file's link with their own origin", async () => {
  const here = await openAt(HERE, alice);
  const there = await openAt(THERE, bob);
  await sendFile();
  expect(originsIn(await here.next("message"))).toEqual([HERE]);
  expect(originsIn(await there.next("message"))).toEqual([THERE]);
});

test("links have the reader's origin after a first visit, after resuming, in history and in pages", async () => {
  const [hello] = (await openAt(HERE, alice)).all("hello");
  const rev = hello?.rev ?? 0;
  await sendFile();
  for (const origin of [THERE, HERE]) {
    for (const query of ["", `?since=${rev}`]) {
      const socket = await openAt(origin, bob, query);
      expect(originsIn(socket.all("sync"))).toEqual([origin]);
      socket.send({ op: "history", id: "history", limit: 10 });
      expect(originsIn(await socket.next("sync", ({ id }) => id === "history"))).toEqual([origin]);
      socket.send({ op: "sync", id: "page", since: 0 });
      expect(originsIn(await socket.next("sync", ({ id }) => id === "page"))).toEqual([origin]);
    }
  }
});

test("a member who is removed in the same commit receives links with their own origin", async () => {
  const carol = await person("carol");
  const members = { title: "Group", participantIds: [bob.userId, carol.userId] };
  const group = await alice.post("/api/v1/chat/conversations/group", members);
  ({ conversationId } = group.body);
  await openAt(HERE, bob);
  const there = await openAt(THERE, carol);
  await sendFile();
  await alice.delete(`/api/v1/chat/conversations/${conversationId}/participants/${carol.userId}`);
  await there.closed;
  expect(originsIn(there.events)).toEqual([THERE]);
});

test("gateways of several origins each receive links with their own origin, live and when they catch up", async () => {
  const io = await Io.connect(alice, THERE);
  await io.ask("join-chat-room", conversationId);
  const hub = await Hub.connect(bob, HERE);
  await hub.ask("JoinConversation", conversationId);
  await openAt("http://third.test", bob);
  await sendFile();
  await Promise.all([io.until("new-message", 1), hub.until("ReceiveMessage", 1)]);
  expect(originsIn(io.all("new-message"))).toEqual([THERE]);
  expect(originsIn(hub.all("ReceiveMessage"))).toEqual([HERE]);
  const late = await Hub.connect(bob, THERE);
  await late.ask("JoinConversation", conversationId, 0);
  await late.until("ReceiveMessage", 1);
  expect(originsIn(late.all("ReceiveMessage"))).toEqual([THERE]);
});
