import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test } from "vitest";
import { type Env, settingsOf } from "../../src/env.ts";
import { person, send, someone } from "../support.ts";
import { hooked, reject, replace, says, undoHooked } from "./hook.ts";

/** The before-send hook where people accept a request by writing. */

undoHooked();

async function contacts(CONTACTS: "open" | "requests"): Promise<void> {
  const objects = await runInDurableObject(
    env.INBOXES.getByName(someone()) as DurableObjectStub,
    (object) => Reflect.get(object, "env") as Env,
  );
  for (const one of [env, objects]) Object.assign(settingsOf(one), { CONTACTS });
}
afterEach(() => contacts("open"));

test("a message that accepts a request is asked about like any other", async () => {
  const hook = await hooked();
  await contacts("requests");
  const [stranger, bob] = await Promise.all([person("stranger"), person("bob")]);
  const UNIHUB = "/api/v1/chat/conversations";
  const { body } = await stranger.post(`${UNIHUB}/direct`, { otherUserId: bob.userId });
  const id: string = body.conversationId;
  const isRequest = async () => (await bob.get(UNIHUB)).body[0].request === true;
  await hook.answers(["nasty", says(reject("Be kind."))], ["rude", says(replace("polite"))]);

  // One that is rejected accepts nothing.
  expect((await send(bob, id, "nasty")).body.code).toBe("rejected");
  expect(await isRequest()).toBe(true);
  expect((await send(bob, id, "rude")).status).toBe(201);
  expect(await isRequest()).toBe(false);
  const { body: page } = await bob.get(`/api/v1/chat/messages?conversationId=${id}`);
  expect(page.items.map(({ content }: { content: string }) => content)).toEqual(["polite"]);
  expect(await hook.askedAbout("nasty")).toHaveLength(1);
});
