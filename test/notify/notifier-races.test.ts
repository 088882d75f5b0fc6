import { expect, test, vi } from "vitest";
import { type NotifierInObject, withNotifier } from "./notifier-in-object.ts";

/** What happens while a notification is being composed or delivered. */

const conversationsOf = ({ delivered }: NotifierInObject) =>
  delivered.map(({ conversation }) => conversation.id);

type Call = "beforeAsking" | "beforeDelivery" | "beforeTotal";

/** Holds up calls of a kind, of one conversation or of all; `began`: the first of them has. */
function heldUp(user: NotifierInObject, call: Call, only?: string) {
  const { promise: began, resolve: begin } = Promise.withResolvers<void>();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const before = user[call];
  user[call] = async (conversationId) => {
    await before(conversationId);
    if (only !== undefined && only !== conversationId) return;
    begin();
    await released;
  };
  return { began, release };
}

test("read while its first notification is delivered: the host application is told, once", () =>
  withNotifier(async (user) => {
    const { began, release } = heldUp(user, "beforeDelivery");
    user.sends("c");
    const checked = user.notifier.check();
    await began;
    user.readsAll("c");
    release();
    await checked;
    await user.pass(60_000);
    expect(user.reads.map(({ conversationId }) => conversationId)).toEqual(["c"]);
  }));

test("read and sent again while a notification is delivered: 30 seconds pass nevertheless", () =>
  withNotifier(async (user) => {
    const { began, release } = heldUp(user, "beforeDelivery");
    user.sends("c");
    const checked = user.notifier.check();
    await began;
    user.readsAll("c");
    release();
    await checked;
    user.sends("c");
    await user.pass(29_000);
    expect(user.delivered).toHaveLength(1);
    await user.pass(2_000);
    expect(user.delivered).toHaveLength(2);
  }));

test("read while others are notified of: it stays read, and that is told", () =>
  withNotifier(async (user) => {
    const names = ["c0", "c1", "c2", "c3", "c4", "c5", "read"];
    for (const name of names) user.sends(name);
    await user.pass(60_000);
    for (const name of names) user.sends(name);
    // As many are asked at once as may be; the last one waits for them.
    const { began, release } = heldUp(user, "beforeAsking");
    const checked = user.notifier.check();
    await began;
    user.readsAll("read");
    release();
    await checked;
    await user.pass(60_000);
    expect(conversationsOf(user).filter((name) => name === "read")).toHaveLength(1);
    expect(user.reads.map(({ conversationId }) => conversationId)).toEqual(["read"]);
  }));

test("read, and a new message, while the conversation is asked: the new one is notified of", () =>
  withNotifier(async (user) => {
    user.sends("c");
    await user.pass(60_000);
    user.sends("c");
    const { began, release } = heldUp(user, "beforeAsking");
    const checked = user.notifier.check();
    await began;
    user.readsAll("c");
    const row = user.sends("c", { isCalled: false });
    release();
    await checked;
    user.notifier.changed(row);
    await user.pass(60_000);
    expect(user.delivered.map(({ message }) => message?.id)).toEqual(["c-1", "c-4"]);
  }));

test("told late of what was read before the message that is delivered: it is not withdrawn", () =>
  withNotifier(async (user) => {
    const { began, release } = heldUp(user, "beforeDelivery");
    user.sends("c", { isCalled: false });
    const read = user.readsAll("c", { isCalled: false });
    user.sends("c");
    const checked = user.notifier.check();
    await began;
    user.notifier.changed(read);
    release();
    await checked;
    await user.pass(60_000);
    expect(user.reads).toEqual([]);
  }));

test("a crash while a notification is delivered, after something else came: it is repeated", () =>
  withNotifier(async (user) => {
    const { began } = heldUp(user, "beforeDelivery");
    user.sends("c");
    void user.notifier.check();
    await began;
    user.sends("c");
    const [{ id } = { id: "" }] = user.delivered;
    await user.crash();
    expect(user.delivered.map((one) => one.id)).toEqual([id, id]);
  }));

test("a crash while a notification is delivered, after another one was: it is repeated", () =>
  withNotifier(async (user) => {
    user.sends("a");
    await user.pass(0);
    user.readsAll("a");
    await user.pass(60_000);
    for (const name of ["a", "b"]) user.sends(name);
    const { began, release } = heldUp(user, "beforeDelivery", "b");
    const held = heldUp(user, "beforeDelivery", "a");
    void user.notifier.check();
    await Promise.all([began, held.began]);
    release();
    // The one that was delivered told the devices that the other conversation was read.
    await vi.waitFor(() => expect(user.isShown("b")).toBe(true));
    await user.crash();
    expect(conversationsOf(user)).toEqual(["a", "a", "b", "a"]);
  }));

test("D1 does not answer: the total is left out, and nothing waits for it", () =>
  withNotifier(async (user) => {
    heldUp(user, "beforeTotal");
    user.sends("c");
    await user.notifier.check();
    expect(user.delivered.map(({ total }) => total)).toEqual([undefined]);
    expect(user.failures).toHaveLength(1);
  }));

test("of mentions alone: when they are read, whatever else is unread", () =>
  withNotifier(async (user) => {
    user.preferences.setLevel("c", "direct", { level: "mentions", until: null }, user.now);
    const row = user.sends("c", { isCalled: false });
    user.notifier.changed({ ...row, mentions: 1 });
    await user.pass(0);
    expect(user.delivered).toHaveLength(1);
    user.notifier.changed({ ...row, rev: row.rev + 1 });
    await user.pass(60_000);
    expect(user.reads.map(({ conversationId }) => conversationId)).toEqual(["c"]);
  }));

test("after a retry, the next notification waits as it does after any other", () =>
  withNotifier(async (user) => {
    user.sends("c");
    await user.pass(60_000);
    const [{ id } = { id: "" }] = user.delivered;
    expect(await user.notifier.compose("c", { id, epoch: "e1", afterRev: 0 })).toMatchObject({
      id,
    });
    user.sends("c");
    await user.pass(29_000);
    expect(user.delivered).toHaveLength(1);
    await user.pass(2_000);
    expect(user.delivered).toHaveLength(2);
  }));

test("retries to several receivers in the hours of do-not-disturb: at their end, all of their messages", () =>
  withNotifier(async (user) => {
    user.sends("c");
    await user.pass(60_000);
    const [{ id } = { id: "" }] = user.delivered;
    const doNotDisturb = { from: "12:00", to: "13:00", timeZone: "UTC" };
    user.preferences.setSettings({ doNotDisturb });
    for (const afterRev of [0, 1]) {
      expect(await user.notifier.compose("c", { id, epoch: "e1", afterRev })).toBeUndefined();
    }
    await user.pass(60 * 60_000);
    expect(user.delivered.map((one) => one.message?.id)).toEqual(["c-1", "c-1"]);
  }));
