import { afterAll, expect, test } from "vitest";
import { clientOf } from "./clients.ts";
import { closeBrowser, signedIn } from "./people.ts";

/** Names and texts of all kinds and lengths fit into the layout. */

afterAll(closeBrowser);

const ARABIC = "مرحبا بالعالم هذه رسالة طويلة من اليمين إلى اليسار حتى لا تتسع لها القائمة";

/** A user with this name, in a group with this title with Alice. */
async function groupBy(id: string, name: string, title: string) {
  const [client] = await Promise.all([
    clientOf(id, name),
    clientOf("alice", "Alice Moreau"),
    clientOf("bob", "Bob Tanaka"),
  ]);
  const { conversationId } = await client.rest.group({ title, participantIds: ["alice", "bob"] });
  return client.conversation(conversationId).connect().live();
}

test.each([320, 1180])("%i pixels wide: the longest names and words fit", async (width) => {
  const name = `${width}${"Pneumono".repeat(24)}`;
  const theirs = await groupBy(`long-${width}`, name, name);
  const { messageId } = await theirs.send("W".repeat(400));
  await theirs.send({ content: `https://example.com/${"path/".repeat(60)}`, replyTo: messageId });
  const alice = await signedIn("Alice Moreau", { viewport: { width, height: 700 } });
  await alice.entry(name).click();
  await alice.say("Mine");
  await alice.confirmed("Mine");
  await theirs.read();
  theirs.close();
  await alice.message("Mine").getByText("Seen by").waitFor();
  const wide = await alice.page
    .locator(".scroller, .sidebar, .conversation-header, .composer")
    .evaluateAll((all) => all.filter((one) => one.scrollWidth > one.clientWidth).map(String));
  expect(wide).toEqual([]);
  // A long placeholder does not enlarge the field.
  const field = await alice.composer().boundingBox();
  expect(field?.height).toBeLessThan(44);
});

test("right-to-left text is truncated at its end, not at its beginning", async () => {
  const theirs = await groupBy("salma", "Salma", "Reading");
  await theirs.send(ARABIC);
  theirs.close();
  const alice = await signedIn("Alice Moreau");
  await alice.entry("Reading").click();
  await alice.act(ARABIC, "Reply");
  await alice.say("Yes");
  await alice.message("Yes").waitFor();
  const quote = alice.message("Yes").locator(".quote-text");
  expect(await quote.evaluate((one) => getComputedStyle(one).direction)).toBe("rtl");
});
