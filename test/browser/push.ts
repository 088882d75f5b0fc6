import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { expect, inject, onTestFinished, vi } from "vitest";
import { type Push, PushService, type Subscribed } from "../notify/push-service.ts";
import { Desktop, type DesktopNotification } from "./desktop.ts";
import { type Name, ownBrowser, SignedInUser, SOON_MS } from "./people.ts";

/** A browser that may show notifications, and the desktop that shows them. */
export class PushBrowser {
  readonly context: BrowserContext;
  readonly desktop: Desktop;
  private readonly service: PushService;
  private readonly tabs: SignedInUser[] = [];
  private endpoint = "";

  private constructor(context: BrowserContext, desktop: Desktop, service: PushService) {
    this.context = context;
    this.desktop = desktop;
    this.service = service;
  }

  /** Starts a browser that is closed after the test; its pages must have reported no errors by then. */
  static async start({ isPermitted = true } = {}): Promise<PushBrowser> {
    const [desktop, service] = await Promise.all([Desktop.start(), PushService.start()]);
    const profile = await mkdtemp(join(tmpdir(), "profile-"));
    const context = await ownBrowser(profile, desktop.address);
    const browser = new PushBrowser(context, desktop, service);
    onTestFinished(async () => {
      await context.close();
      await Promise.all([desktop.end(), service.stop()]);
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
      for (const { complaints } of browser.tabs) expect(complaints).toEqual([]);
    });
    // What is not permitted is forbidden.
    const permissions = [isPermitted ? "notifications" : "geolocation"];
    await context.grantPermissions(permissions, { origin: inject("address") });
    await context.exposeFunction("subscribeAtPushService", (key: string) => {
      const subscribed = service.subscribe(key);
      browser.endpoint = subscribed.endpoint;
      return subscribed;
    });
    await context.addInitScript(replacePushService);
    return browser;
  }

  /** Waits for pushes that the server sends to this browser: this many so far. */
  async received(count: number): Promise<readonly Push[]> {
    const { accepted } = this.service.received(this.endpoint);
    await vi.waitFor(() => expect(accepted.length).toBeGreaterThanOrEqual(count), {
      timeout: SOON_MS,
    });
    expect(accepted).toHaveLength(count);
    return accepted;
  }

  /** Opens a tab in which somebody signs in. */
  async signedIn(name: Name): Promise<PushTab> {
    const tab = new PushTab(await this.context.newPage(), this);
    this.tabs.push(tab);
    await tab.signIn(name);
    return tab;
  }

  /** The notifications that the desktop shows, by title. */
  async shows(...titles: string[]): Promise<DesktopNotification[]> {
    const { shown } = this.desktop;
    await vi.waitFor(
      () => expect(Array.from(shown.values(), ({ title }) => title).sort()).toEqual(titles.sort()),
      { timeout: SOON_MS, interval: 20 },
    );
    return [...shown.values()];
  }

  /**
   * Records from now on the addresses of tabs that the service worker has raised, as they were opened. Tabs
   * cannot be asked: tests see every one as visible.
   */
  async recordRaised(): Promise<() => Promise<string[]>> {
    const [worker] = this.context.serviceWorkers();
    if (!worker) throw new Error("there is no service worker");
    await worker.evaluate(() => {
      const { WindowClient, raised = [] } = self as unknown as Recording;
      const { focus } = WindowClient.prototype;
      Object.assign(self, { raised });
      // Rejects unless a user has just clicked.
      WindowClient.prototype.focus = async function () {
        const client = await focus.call(this);
        raised.push(client.url);
        return client;
      };
    });
    return () => worker.evaluate(() => (self as unknown as Recording).raised ?? []);
  }

  /** Records the counts of the app's badge that the service worker sets from now on. */
  async recordBadge(): Promise<() => Promise<number[]>> {
    const [worker] = this.context.serviceWorkers();
    if (!worker) throw new Error("there is no service worker");
    await worker.evaluate(() => {
      const badges: (number | undefined)[] = [];
      Object.assign(self, { badges });
      Object.assign(Object.getPrototypeOf(navigator), {
        setAppBadge: async (count?: number) => void badges.push(count),
      });
    });
    return () => worker.evaluate(() => (self as unknown as { badges: number[] }).badges);
  }

  /** Clicks the only notification. */
  async click(title: string): Promise<void> {
    for (const one of await this.shows(title)) this.desktop.click(one);
  }
}

/** What a test sees of the service worker's globals. */
interface Recording {
  WindowClient: { prototype: { focus: () => Promise<{ url: string }> } };
  raised?: string[];
}

/** A tab of such a browser. */
export class PushTab extends SignedInUser {
  private readonly browser: PushBrowser;

  constructor(page: Page, browser: PushBrowser) {
    super(page);
    this.browser = browser;
  }

  async openDialog() {
    await this.page.getByRole("button", { name: "Notifications" }).click();
    return this.page.getByRole("dialog", { name: "Notifications" });
  }

  async turnOn(): Promise<void> {
    const dialog = await this.openDialog();
    await dialog.getByRole("button", { name: "Turn on" }).click();
    await dialog.getByRole("button", { name: "Turn off" }).waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
  }

  /** The notifications that the browser has, by title. */
  async keeps(...titles: string[]): Promise<void> {
    const kept = () =>
      this.page.evaluate(async () => {
        const registration = await navigator.serviceWorker.getRegistration();
        const all = (await registration?.getNotifications()) ?? [];
        return all.map(({ title }) => title).sort();
      });
    await vi.waitFor(async () => expect(await kept()).toEqual(titles.sort()), {
      timeout: SOON_MS,
      interval: 50,
    });
  }

  /** Delivers what the push service would, decrypted, as the browser does. */
  async deliver(data: object | string): Promise<void> {
    const session = await this.browser.context.newCDPSession(this.page);
    const registered = new Promise<string>((resolve) => {
      session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
        const found = registrations.find(({ isDeleted }) => !isDeleted);
        if (found) resolve(found.registrationId);
      });
    });
    await session.send("ServiceWorker.enable");
    await session.send("ServiceWorker.deliverPushMessage", {
      origin: inject("address"),
      registrationId: await registered,
      data: typeof data === "string" ? data : JSON.stringify(data),
    });
    await session.detach();
  }
}

/** What {@link PushBrowser} gives the page. */
interface Exposed {
  subscribeAtPushService: (key: string) => Promise<Subscribed>;
}

/**
 * Replaces the browser's calls of its vendor's push service by those of the test's. Runs in the page; the
 * subscription outlives it.
 */
function replacePushService(): void {
  const KEPT = "test:subscription";
  const current = () => {
    const { key, ...subscribed } = JSON.parse(localStorage.getItem(KEPT) ?? "{}");
    if (key === undefined) return null;
    const text = atob(key.replaceAll("-", "+").replaceAll("_", "/"));
    return {
      endpoint: subscribed.endpoint,
      options: {
        applicationServerKey: Uint8Array.from(text, (letter) => letter.charCodeAt(0)).buffer,
      },
      toJSON: () => subscribed,
      unsubscribe: async () => {
        localStorage.removeItem(KEPT);
        return true;
      },
    };
  };
  Object.assign(PushManager.prototype, {
    getSubscription: async () => current(),
    subscribe: async ({ applicationServerKey: key }: { applicationServerKey: string }) => {
      if (current()) throw new DOMException("There is one already.", "InvalidStateError");
      const { subscribeAtPushService } = window as unknown as Exposed;
      const subscribed = await subscribeAtPushService(key);
      localStorage.setItem(KEPT, JSON.stringify({ ...subscribed, key }));
      return current();
    },
  });
}
