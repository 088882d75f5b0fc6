/**
 * The page's service worker: shows what is pushed while no tab is open, and opens the conversation of a
 * notification that is clicked. It answers no requests.
 */
import { linkTo } from "../model/link.ts";
import { tabAnswerOf, type WorkerMessage } from "./messages.ts";
import { type Pushed, pushedOf, type Shown, shownOf } from "./pushed.ts";

declare const self: ServiceWorkerGlobalScope;

/** What a tab may take to say who is signed in; one that is frozen never does. */
const ANSWER_MS = 500;

self.addEventListener("install", () => void self.skipWaiting());
self.addEventListener("push", (event) => {
  event.waitUntil(show(pushedOf(event.data?.text())));
});
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(open(shownOf(event.notification.data)));
});

async function show(pushed: Pushed): Promise<void> {
  const { title, body, total, read, ...shown } = pushed;
  const before = await self.registration.getNotifications();
  // A push that is sent again is not announced again.
  const isRepeated =
    shown.id !== undefined && before.some(({ data }) => shownOf(data).id === shown.id);
  // A newer notification replaces the older one of its conversation.
  const tag = shown.conversationId ?? "";
  const options: NotificationOptions & { renotify: boolean; timestamp?: number } = {
    ...{ body, tag, data: shown, renotify: tag !== "" && !isRepeated },
    ...(shown.createdAt > 0 && { timestamp: shown.createdAt }),
  };
  await self.registration.showNotification(title, options);
  for (const one of before) if (read.includes(one.tag)) one.close();
  for (const tab of await tabs()) say(tab, { type: "shown" });
  if (total !== undefined && "setAppBadge" in self.navigator) {
    await self.navigator.setAppBadge(total);
  }
}

/** Opens a conversation in a tab of its user, the one that was used last, or in a new one. */
async function open({ conversationId, userId }: Shown): Promise<void> {
  const all = await tabs();
  const users = await Promise.all(all.map(userOf));
  const tab = all.find((_, index) => userId === undefined || users[index] === userId);
  if (tab) {
    if (conversationId !== undefined) say(tab, { type: "open", conversationId });
    await tab.focus();
    return;
  }
  await self.clients.openWindow(conversationId === undefined ? "/" : `/${linkTo(conversationId)}`);
}

/** The page's tabs, the one that was used last first. */
async function tabs(): Promise<readonly WindowClient[]> {
  const all = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  return all.filter(({ url }) => new URL(url).pathname === "/");
}

function say(tab: WindowClient, message: WorkerMessage, port?: MessagePort): void {
  tab.postMessage(message, port ? [port] : []);
}

/** Who is signed in in a tab; `undefined`: nobody, or it does not answer. */
async function userOf(tab: WindowClient): Promise<string | undefined> {
  const { port1, port2 } = new MessageChannel();
  const answered = new Promise<string | undefined>((resolve) => {
    port1.onmessage = ({ data }) => resolve(tabAnswerOf(data)?.userId);
    setTimeout(() => resolve(undefined), ANSWER_MS);
  });
  say(tab, { type: "whose" }, port2);
  const userId = await answered;
  port1.close();
  return userId;
}
