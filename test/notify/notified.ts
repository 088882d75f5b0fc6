import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, vi } from "vitest";
import { type Env, settingsOf } from "../../src/env.ts";
import { inboxOf } from "../inbox/replica.ts";
import { type Caller, someone } from "../support.ts";
import { Host } from "./host.ts";

/** The settings of objects of this runtime. */
async function settings() {
  const found = await runInDurableObject(env.INBOXES.getByName(someone()), (object) =>
    settingsOf(Reflect.get(object, "env") as Env),
  );
  if (found instanceof Error) throw found;
  return found;
}

/** A host application that is notified by every inbox that wakes during this test. */
export async function notifiedHost(): Promise<Host> {
  const host = await Host.start();
  Object.assign(await settings(), host.settings);
  return host;
}

/** Undoes {@link notifiedHost}, and lets the clock go on, after each test. */
export function undoNotified(): void {
  afterEach(async () => {
    vi.useRealTimers();
    vi.restoreAllMocks();
    Object.assign(await settings(), { NOTIFY_URL: undefined, NOTIFY_SECRET: undefined });
  });
}

/** What a host has accepted about a person, in order. */
export async function toldOf(host: Host, { userId }: Caller) {
  return (await host.accepted()).filter((body) => body["userId"] === userId);
}

/** Resolves once a host has accepted so many about a person; alarms that are set fire meanwhile. */
export async function untilTold(host: Host, person: Caller, count: number) {
  for (;;) {
    const told = await toldOf(host, person);
    if (told.length >= count) return told;
    await checked(person);
  }
}

/** Moves the clock, and has the inboxes of people do what is due then. */
export async function later(milliseconds: number, ...people: Caller[]): Promise<void> {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + milliseconds });
  for (const person of people) await checked(person);
}

/** Has an inbox do what is due; nothing where it has no alarm. */
export async function checked(person: Caller): Promise<void> {
  for (let i = 0; i < 5; i++) if (!(await runDurableObjectAlarm(inboxOf(person)))) return;
}

/** Ends the object of an inbox, whatever it is doing. */
export async function crashed(person: Caller): Promise<void> {
  const crash = runInDurableObject(inboxOf(person), (_, context) => context.abort("test"));
  await crash.catch(() => undefined);
}

/** Removes an inbox from memory; its sockets stay. */
export async function evictInbox(person: Caller): Promise<void> {
  await runInDurableObject(inboxOf(person), () => undefined);
  await evictDurableObject(inboxOf(person));
}
