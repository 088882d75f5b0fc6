import { effect, type Signal, signal } from "@preact/signals";
import { ParleyError } from "../../../client/error.ts";
import type { Rest } from "../../../client/rest.ts";
import type { Identity } from "../model/identity.ts";
import type { Inbox } from "../model/inbox.ts";
import { complain } from "../model/notices.ts";
import { open, openId } from "../model/route.ts";
import { isTurnedOn } from "../model/turned-on.ts";
import { type TabAnswer, workerMessageOf } from "../worker/messages.ts";
import { shownOf } from "../worker/pushed.ts";
import { isRead } from "./read.ts";
import { forget, isSomebodyRegistered, registeredOf, remember } from "./registered.ts";
import { canSubscribe, deviceOf, registration, subscribe, unsubscribe } from "./subscription.ts";

/** The server is told of a subscription again after this time, in case it has lost it. */
const REPEAT_AFTER_MS = 24 * 60 * 60_000;

export type Standing =
  /** The browser cannot, or not on this page. */
  | "unsupported"
  /** The user, or somebody who decides for them, has forbidden it in the browser. */
  | "blocked"
  | "off"
  | "on";

/** What notifications need of the session that they belong to. */
interface NotifiedSession {
  readonly me: Identity;
  readonly rest: Rest;
  readonly inbox: Inbox;
  atEnd(end: () => void): void;
}

/** Notifications of one user in this browser. */
export class Notifications {
  readonly standing: Signal<Standing>;
  private readonly session: NotifiedSession;
  private stop: (() => void) | undefined;

  constructor(session: NotifiedSession) {
    this.session = session;
    this.standing = signal(this.standingNow());
    session.atEnd(() => this.end());
    if (this.standing.peek() !== "on") return;
    this.begin();
    // The browser may have ended the subscription, and the server may have another key.
    session.rest
      .pushKey()
      .then((key) => this.register(key))
      .catch((error: unknown) => {
        // The next visit tries again.
        if (!(error instanceof ParleyError && error.code === "network")) complain(error);
      });
  }

  /** Asks for permission, unless it was given, and has notifications pushed to this browser. */
  async turnOn(key: string): Promise<void> {
    if ((await Notification.requestPermission()) === "granted") {
      await this.register(key);
      this.begin();
    }
    this.standing.value = this.standingNow();
  }

  /** Removes this browser. Without a network the push service tells the server, at its next attempt. */
  async turnOff(): Promise<void> {
    const { me, rest } = this.session;
    const endpoint = registeredOf(me.id)?.endpoint;
    forget(me.id);
    this.end();
    this.standing.value = this.standingNow();
    await this.close(({ userId }) => userId === undefined || userId === me.id);
    await navigator.clearAppBadge?.();
    if (!isSomebodyRegistered()) await unsubscribe();
    if (endpoint !== undefined) await rest.removePushDevice(endpoint);
  }

  /** Subscribes; the server is told of a subscription that it may not have. */
  private async register(key: string): Promise<void> {
    const { me, rest } = this.session;
    const device = deviceOf(await subscribe(key));
    const known = registeredOf(me.id);
    const isNew = known?.endpoint !== device.endpoint || Date.now() - known.at > REPEAT_AFTER_MS;
    if (!isNew) return;
    await rest.addPushDevice(device);
    remember(me.id, { endpoint: device.endpoint, at: Date.now() });
  }

  private standingNow(): Standing {
    if (!canSubscribe()) return "unsupported";
    if (Notification.permission === "denied") return "blocked";
    return isTurnedOn(this.session.me.id) ? "on" : "off";
  }

  /** Closes what was read, keeps the badge, and answers the service worker. */
  private begin(): void {
    if (this.stop) return;
    const { inbox } = this.session;
    const heard = (event: MessageEvent) => this.heard(event);
    navigator.serviceWorker.addEventListener("message", heard);
    const ends = [
      () => navigator.serviceWorker.removeEventListener("message", heard),
      effect(() => void navigator.setAppBadge?.(inbox.unread)),
      effect(() => {
        // Subscribes to what decides.
        void [inbox.entries.value, inbox.isStale, openId.value];
        this.closeRead().catch(complain);
      }),
    ];
    this.stop = () => {
      for (const end of ends) end();
    };
  }

  private end(): void {
    this.stop?.();
    this.stop = undefined;
  }

  private heard({ data, ports: [port] }: MessageEvent): void {
    const message = workerMessageOf(data);
    const answer: TabAnswer = { userId: this.session.me.id };
    if (message?.type === "whose") port?.postMessage(answer);
    if (message?.type === "open") open(message.conversationId);
    // A tab that was suspended may not have noticed yet that its list is old.
    if (message?.type === "shown") this.closeRead({ onlyDated: true }).catch(complain);
  }

  private async closeRead({ onlyDated = false } = {}): Promise<void> {
    const { inbox, me } = this.session;
    if (!inbox.loaded || inbox.isStale) return;
    const entries = new Map(inbox.entries.peek().map((entry) => [entry.id, entry]));
    await this.close((shown) => {
      const id = shown.conversationId;
      if (id === undefined || (onlyDated && shown.createdAt === 0)) return false;
      return isRead(shown, entries.get(id), { me: me.id, isOpen: openId.peek() === id });
    });
  }

  private async close(isOver: (shown: ReturnType<typeof shownOf>) => boolean): Promise<void> {
    const all = (await (await registration())?.getNotifications()) ?? [];
    for (const one of all) if (isOver(shownOf(one.data))) one.close();
  }
}

const ofSessions = new WeakMap<NotifiedSession, Notifications>();

/** The notifications of a session, which begin with the first call. */
export function notificationsOf(session: NotifiedSession): Notifications {
  const known = ofSessions.get(session) ?? new Notifications(session);
  ofSessions.set(session, known);
  return known;
}
