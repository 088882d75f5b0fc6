import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { ROOT } from "../../src/cli/settings.ts";
import { Parley } from "../../src/client/parley.ts";
import { cleanUp, startServer, temporaryFolder } from "../system/server.ts";
import { signedFor } from "../system/token.ts";
import { closeBrowser, signedOut } from "./people.ts";

/** The public clients of Socket.IO and SignalR in browser pages of another origin. */

/** The globals that their scripts define. */
declare const io: typeof import("socket.io-client").io;
declare const signalR: typeof import("@microsoft/signalr");

const SCRIPTS = [
  "socket.io-client/dist/socket.io.min.js",
  "@microsoft/signalr/dist/browser/signalr.min.js",
].map((file) => `${ROOT}/node_modules/${file}`);

const sites: Server[] = [];
let address: string;
let allowed: string;

beforeAll(async () => {
  allowed = await site();
  const options = ["--inspector-port", "0", "--var", `ALLOWED_ORIGINS:${allowed}`];
  ({ address } = await startServer(await temporaryFolder(), ...options));
});
afterAll(async () => {
  await closeBrowser();
  for (const one of sites) one.close();
  await cleanUp();
});

/** An empty page at a separate origin. */
async function site(): Promise<string> {
  const server = createServer((_, response) => {
    response.setHeader("Content-Type", "text/html").end("<!doctype html><title>A shop</title>");
  });
  sites.push(server);
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const at = server.address();
  if (at === null || typeof at === "string") throw new Error("no port");
  return `http://localhost:${at.port}`;
}

/** A page at an origin, with both clients loaded. */
async function pageAt(origin: string) {
  const page = await signedOut(origin);
  onTestFinished(() => page.context().close());
  for (const path of SCRIPTS) await page.addScriptTag({ path });
  return page;
}

async function known(userId: string) {
  const token = await signedFor(userId);
  const client = new Parley({ url: address, token: () => token });
  await client.rest.conversations();
  return { token, client };
}

test("both clients work in a page of an allowed origin", async () => {
  const [alice, bob] = [await known("alice"), await known("bob")];
  const { conversationId: id } = await alice.client.rest.direct("bob");
  const page = await pageAt(allowed);
  const told = await page.evaluate(
    async ({ address, id, alice, bob }) => {
      const socket = io(address, { auth: { token: alice } });
      const upgraded = new Promise((resolve) => socket.io.engine.once("upgrade", resolve));
      await socket.emitWithAck("join-chat-room", id);
      const hub = new signalR.HubConnectionBuilder()
        .withUrl(`${address}/hubs/chat`, { accessTokenFactory: () => bob })
        .build();
      const heard: Record<string, string[]> = { alice: [], bob: [] };
      const both = new Promise<void>((resolve) => {
        const receive = (who: string, text: string) => {
          if (heard[who]?.push(text) === 2 && heard["alice"]?.length === heard["bob"]?.length) {
            resolve();
          }
        };
        socket.on("new-message", ({ message }) => receive("alice", message.content));
        hub.on("ReceiveMessage", ({ content }) => receive("bob", content));
      });
      await hub.start();
      await hub.invoke("JoinConversation", id);
      await socket.emitWithAck("send-message", { chatId: id, content: "over Socket.IO" });
      await hub.invoke("SendMessage", id, "over SignalR");
      await both;
      await upgraded;
      return heard;
    },
    { address, id, alice: alice.token, bob: bob.token },
  );
  const both = ["over Socket.IO", "over SignalR"];
  expect(told).toEqual({ alice: both, bob: both });
});

test("a page of another origin cannot connect, with any token", async () => {
  const { token } = await known("alice");
  const page = await pageAt(await site());
  const refused = await page.evaluate(
    async ({ address, token }) => {
      const options = ["polling", "websocket"].map((transport) => ({
        transports: [transport],
        auth: { token },
        forceNew: true,
      }));
      const sockets = options.map(
        (one) =>
          new Promise((resolve) => io(address, one).on("connect_error", () => resolve(true))),
      );
      const hubs = [false, true].map((skipNegotiation) =>
        new signalR.HubConnectionBuilder()
          .withUrl(`${address}/hubs/chat`, {
            accessTokenFactory: () => token,
            transport: signalR.HttpTransportType.WebSockets,
            skipNegotiation,
          })
          .build()
          .start()
          .then(
            () => false,
            () => true,
          ),
      );
      return Promise.all([...sockets, ...hubs]);
    },
    { address, token },
  );
  expect(refused).toEqual([true, true, true, true]);
});
