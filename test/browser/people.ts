import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Locator,
  type Page,
  type WebSocketRoute,
} from "playwright-core";
import { expect, inject, onTestFinished } from "vitest";

/** Users of the page, each in a separate browser context. */

/** Debian's path; the environment can set another one. */
const EXECUTABLE = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const OPTIONS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
];
const VIEWPORT = { width: 1180, height: 760 };
/** Chromium's error for requests of a page without a network. */
const NO_NETWORK = /net::ERR_INTERNET_DISCONNECTED|WebSocket connection to/;
/** The time limit for live updates, on a busy machine. */
export const SOON_MS = 10_000;

let browser: Promise<Browser> | undefined;

export type Name = "Alice Moreau" | "Bob Tanaka" | "Carol Okafor" | "Dave Lindqvist";

/** A signed-in user. */
export class SignedInUser {
  readonly page: Page;
  /** Errors reported by the browser: errors of the page, and violations of its policy. */
  readonly complaints: string[] = [];
  private readonly sockets: WebSocketRoute[] = [];
  private isCut = false;
  /** Playwright forwards frames with a delay, also to a socket that was closed in the meantime. */
  private passesLate = false;

  constructor(page: Page) {
    this.page = page;
    page.setDefaultTimeout(SOON_MS);
    page.on("pageerror", (error) => this.complaints.push(String(error)));
    page.on("console", (message) => {
      const text = message.text();
      const isBad = message.type() === "error" || message.type() === "warning";
      const isLate = this.passesLate && text === "WebSocket is already in CLOSING or CLOSED state.";
      if (isBad && !isLate && !NO_NETWORK.test(text)) this.complaints.push(text);
    });
    page.on("dialog", (dialog) => {
      this.complaints.push(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
  }

  /** Opens the page, and signs in as one of its people. */
  async signIn(name: Name, address = inject("address")): Promise<void> {
    await this.page.goto(address);
    await this.page.getByRole("button", { name }).click();
    // The moderators' view has another heading than the chat, which has the name.
    const heading = address.endsWith("/moderation") ? "Reports" : name;
    await this.page.getByRole("heading", { name: heading }).waitFor();
  }

  /** Routes the page's sockets through this process, so that they can be cut. */
  async routeSockets(): Promise<void> {
    this.passesLate = true;
    await this.page.routeWebSocket(/\/live[/?]/, (socket) => {
      if (this.isCut) {
        void socket.close({ code: 1001 });
        return;
      }
      this.sockets.push(socket);
      socket.connectToServer();
    });
  }

  /** Disconnects the network: open sockets are closed, and none can be opened. */
  async loseNetwork(): Promise<void> {
    this.isCut = true;
    await this.page.context().setOffline(true);
    await Promise.all(this.sockets.splice(0).map((socket) => socket.close({ code: 1001 })));
  }

  async restoreNetwork(): Promise<void> {
    this.isCut = false;
    await this.page.context().setOffline(false);
  }

  /** Starts a conversation with another user, or opens the existing one. */
  async talkTo(name: Name): Promise<void> {
    await this.page.getByRole("button", { name: "New conversation" }).click();
    const dialog = this.page.getByRole("dialog", { name: "New conversation" });
    await dialog.getByRole("button", { name }).click();
    await dialog.getByRole("button", { name: "Start conversation" }).click();
    await this.composer(name).waitFor();
  }

  composer(title = ""): Locator {
    return this.page.getByRole("textbox", { name: `Message ${title}` });
  }

  /** Types a message and sends it. */
  async say(text: string): Promise<void> {
    await this.composer().fill(text);
    await this.composer().press("Enter");
  }

  /** The messages with this text. */
  message(text: string): Locator {
    const written = this.page.locator(`.bubble > .text:text-is(${JSON.stringify(text)})`);
    return this.page.locator(".message").filter({ has: written });
  }

  /** Waits until the server has confirmed a message, which is displayed before. */
  async confirmed(text: string): Promise<void> {
    await this.message(text).locator("time").waitFor();
  }

  /** A conversation's entry in the list. */
  entry(title: string | RegExp): Locator {
    const list = this.page.getByRole("navigation");
    return list.getByRole("link").filter({ hasText: title });
  }

  /** Uses a button of a message's toolbar. */
  async act(text: string, action: string): Promise<void> {
    const message = this.message(text);
    await message.hover();
    await message.getByRole("button", { name: action, exact: true }).click();
  }

  /** Picks from a message's menu. */
  async pick(text: string, item: string): Promise<void> {
    await this.act(text, "More");
    await this.page.getByRole("menuitem", { name: item }).click();
  }

  /** Opens the details of the conversation that is shown. */
  async details(title: string): Promise<Locator> {
    await this.page.getByRole("button", { name: "Details" }).click();
    const dialog = this.page.getByRole("dialog", { name: title });
    await dialog.waitFor();
    return dialog;
  }

  /** Picks from the menu of a person in the details. */
  async pickAbout(details: Locator, name: string, item: string): Promise<void> {
    await details.getByRole("button", { name: `More about ${name}` }).click();
    await this.page.getByRole("menuitem", { name: item }).click();
  }
}

/** Opens the page and signs in; after the test the page must have reported no errors. */
export async function signedIn(
  name: Name,
  options: BrowserContextOptions & {
    holdSockets?: boolean;
    withClock?: boolean;
    address?: string;
    /** Tokens of one's own for some people, by their id, in place of the server's. */
    tokens?: Record<string, string>;
  } = {},
): Promise<SignedInUser> {
  const { holdSockets = false, withClock = false, address, tokens, ...contextOptions } = options;
  const context = await newContext(contextOptions);
  const one = new SignedInUser(await context.newPage());
  onTestFinished(async () => {
    await context.close();
    expect(one.complaints).toEqual([]);
  });
  if (holdSockets) await one.routeSockets();
  if (withClock) await one.page.clock.install();
  if (tokens) {
    await one.page.route("**/api/development/tokens", (route) => {
      const token = tokens[route.request().postDataJSON().id];
      return token ? route.fulfill({ status: 201, json: { token } }) : route.continue();
    });
  }
  await one.signIn(name, address);
  return one;
}

/**
 * A browser with a profile of its own, which is not private as the other contexts are, on a desktop of its own.
 * To be closed after the test.
 */
export function ownBrowser(profile: string, bus: string): Promise<BrowserContext> {
  return chromium.launchPersistentContext(profile, {
    ...{ executablePath: EXECUTABLE, args: OPTIONS, viewport: VIEWPORT, locale: "en-GB" },
    env: { ...process.env, DBUS_SESSION_BUS_ADDRESS: bus },
  });
}

/** Opens the page of a server, signed out. */
export async function signedOut(address: string): Promise<Page> {
  const page = await (await newContext()).newPage();
  page.setDefaultTimeout(SOON_MS);
  await page.goto(address);
  return page;
}

async function newContext(options: BrowserContextOptions = {}) {
  browser ??= chromium.launch({ executablePath: EXECUTABLE, args: OPTIONS });
  return (await browser).newContext({ viewport: VIEWPORT, locale: "en-GB", ...options });
}

/** To be called in `afterAll`. */
export async function closeBrowser(): Promise<void> {
  await (await browser)?.close();
}
