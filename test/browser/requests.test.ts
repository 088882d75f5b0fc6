import { afterAll, beforeAll, expect, test } from "vitest";
import { Parley } from "../../src/client/parley.ts";
import { cleanUp, startServer, temporaryFolder, tokenFor } from "../system/server.ts";
import { clientOf } from "./clients.ts";
import { closeBrowser, signedIn } from "./people.ts";

/** On a server of their own: contact requests, where strangers have to ask, and a ban from the service. */

let address: string;
let yusuf: Parley;
beforeAll(async () => {
  const options = ["REQUEST_LIMITS:off", "CONTACTS:requests"].flatMap((one) => ["--var", one]);
  const server = await startServer(await temporaryFolder(), "--inspector-port", "0", ...options);
  ({ address } = server);
  await clientOf("alice", "Alice Moreau", address);
  yusuf = await clientOf("yusuf", "Yusuf Demir", address);
});
afterAll(async () => {
  await closeBrowser();
  await cleanUp();
});

test("a stranger's message is a request, which is read without their knowledge and accepted", async () => {
  const { conversationId } = await yusuf.rest.direct("alice");
  const talk = await yusuf.conversation(conversationId).connect().live();
  await talk.send("Do you remember me?");
  const alice = await signedIn("Alice Moreau", { address });
  const { page } = alice;
  await alice.entry("Yusuf Demir").click();
  await alice.message("Do you remember me?").waitFor();
  const bar = page.getByRole("region", { name: "Contact request" });
  await bar.waitFor();
  expect(await page.title()).toBe("Parley");
  expect([...talk.reads].filter(({ userId }) => userId === "alice")).toEqual([]);
  await bar.getByRole("button", { name: "Accept Yusuf Demir" }).click();
  await bar.waitFor({ state: "detached" });
  await alice.say("Of course!");
  await expect.poll(() => talk.messages.at(-1)?.content).toBe("Of course!");
  talk.close();
});

test("a request is declined from the list, and is gone", async () => {
  const bob = await signedIn("Bob Tanaka", { address });
  await yusuf.rest.group({ title: "Buy gold", participantIds: ["bob", "carol"] });
  await bob.page.getByRole("button", { name: "Decline Buy gold" }).click();
  await bob.entry("Buy gold").waitFor({ state: "detached" });
});

test("somebody who is banned from the service is signed out at once, and told why", async () => {
  const dave = await signedIn("Dave Lindqvist", { address });
  await dave.page.getByText("Nobody has written yet, and neither have you.").waitFor();
  const token = await tokenFor("root", "--role", "admin");
  const admin = new Parley({ url: address, token: () => token });
  await admin.staff.banUser("dave", { reason: "Sells gold" });
  await dave.page.getByText("This account may not use the service.").waitFor();
  await dave.page.getByRole("button", { name: "Alice Moreau" }).waitFor();
  await admin.staff.unbanUser("dave");
  // Chromium reports requests that were refused meanwhile.
  dave.complaints.splice(0);
});
