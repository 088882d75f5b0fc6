import { createECDH, randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { expect, inject, onTestFinished, vi } from "vitest";
import { Desktop, type DesktopNotification } from "./desktop.ts";
import { type Name, ownBrowser, SignedInUser, SOON_MS } from "./people.ts";

/** A push subscription as a browser makes it. */
export interface Subscription {
  endpoint: string;
  p256dh: string;
  auth: string;
}

/** A browser that may show notifications, and the desktop that shows them. */
export class PushBrowser {
  readonly context: BrowserContext;
  readonly desktop: Desktop;
  readonly subscription: Subscription;
  /** Of the subscription: what decrypts pushes. */
  readonly privateKey: Buffer;
  private readonly tabs: SignedInUser[] = [];

  private constructor(context: BrowserContext, desktop: Desktop, endpoint: string) {
    this.context = context;
    this.desktop = desktop;
    const ecdh = createECDH("prime256v1");
    const p256dh = ecdh.generateKeys("base64url");
    this.privateKey = ecdh.getPrivateKey();
    this.subscription = { endpoint, p256dh, auth: randomBytes(16).toString("base64url") };
  }

  /** Starts a browser that is closed after the test; its pages must have reported no errors by then. */
  static async start(endpoint = "http://localhost:9/nowhere"): Promise<PushBrowser> {
    const desktop = await Desktop.start();
    const profile = await mkdtemp(join(tmpdir(), "profile-"));
    const context = await ownBrowser(profile, desktop.address);
    const browser = new PushBrowser(context, desktop, endpoint);
    onTestFinished(async () => {
      await context.close();
      await desktop.end();
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
      for (const { complaints } of browser.tabs) expect(complaints).toEqual([]);
    });
    await context.grantPermissions(["notifications"], { origin: inject("address") });
    await context.addInitScript(replacePushService, browser.subscription);
    return browser;
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

/**
 * Replaces the browser's calls of its vendor's push service, which tests do not reach. Runs in the page; the
 * subscription outlives it.
 */
function replacePushService({ endpoint, ...keys }: Subscription): void {
  const KEPT = "test:subscription";
  const current = () => {
    const key = localStorage.getItem(KEPT);
    if (key === null) return null;
    const text = atob(key.replaceAll("-", "+").replaceAll("_", "/"));
    return {
      endpoint,
      options: { applicationServerKey: Uint8Array.from(text, (c) => c.charCodeAt(0)).buffer },
      toJSON: () => ({ endpoint, expirationTime: null, keys }),
      unsubscribe: async () => {
        localStorage.removeItem(KEPT);
        return true;
      },
    };
  };
  Object.assign(PushManager.prototype, {
    getSubscription: async () => current(),
    subscribe: async ({ applicationServerKey }: { applicationServerKey: string }) => {
      if (current()) throw new DOMException("There is one already.", "InvalidStateError");
      localStorage.setItem(KEPT, applicationServerKey);
      return current();
    },
  });
}
