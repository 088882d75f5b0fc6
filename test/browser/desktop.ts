import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Call, firstMessage, type Value, Writer } from "./d-bus.ts";

const NOTIFICATIONS = {
  path: "/org/freedesktop/Notifications",
  name: "org.freedesktop.Notifications",
  owner: ":1.0",
};
/** Why a notification is closed: the user did it. */
const DISMISSED = 2;

/** A notification of the desktop. */
export interface DesktopNotification {
  id: number;
  title: string;
  body: string;
}

/**
 * A desktop that shows notifications (freedesktop.org's specification, over a D-Bus of its own). A click on
 * one reaches the browser as a user's does: no tool for tests can do that.
 */
export class Desktop {
  readonly shown = new Map<number, DesktopNotification>();
  private readonly server: Server;
  private readonly folder: string;
  private readonly sockets = new Set<Socket>();
  private readonly writer = new Writer();
  private connections = 0;
  private notifications = 0;

  private constructor(folder: string) {
    this.folder = folder;
    this.server = createServer((socket) => this.connected(socket));
  }

  static async start(): Promise<Desktop> {
    const desktop = new Desktop(await mkdtemp(join(tmpdir(), "desktop-")));
    await once(desktop.server.listen(join(desktop.folder, "bus")), "listening");
    return desktop;
  }

  /** For the browser's variable `DBUS_SESSION_BUS_ADDRESS`. */
  get address(): string {
    return `unix:path=${join(this.folder, "bus")}`;
  }

  /** Clicks a notification, as its user does. */
  click({ id }: DesktopNotification): void {
    this.signal("ActionInvoked", id, "default");
    this.signal("NotificationClosed", id, DISMISSED);
    this.shown.delete(id);
  }

  async end(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await rm(this.folder, { recursive: true });
  }

  private connected(socket: Socket): void {
    const name = `:1.${++this.connections}`;
    this.sockets.add(socket);
    socket.on("close", () => this.sockets.delete(socket)).on("error", () => undefined);
    let bytes = Buffer.alloc(0);
    let isBinary = false;
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      while (!isBinary) {
        const end = bytes.indexOf("\r\n");
        if (end < 0) return;
        const line = bytes.toString("latin1", 0, end).replace("\0", "");
        bytes = bytes.subarray(end + 2);
        isBinary = line === "BEGIN";
        if (line.startsWith("AUTH EXTERNAL")) socket.write(`OK ${"0".repeat(32)}\r\n`);
        else if (!isBinary) socket.write("ERROR\r\n");
      }
      for (let first = firstMessage(bytes); first; first = firstMessage(bytes)) {
        bytes = bytes.subarray(first.length);
        if (first.call) socket.write(this.answer(first.call, name));
      }
    });
  }

  private answer(call: Call, name: string): Buffer {
    const values = this.valuesOf(call, name);
    if (values) return this.writer.answer(call.serial, name, ...values);
    return this.writer.error(call.serial, name);
  }

  private valuesOf({ member, body }: Call, name: string): Value[] | undefined {
    switch (member) {
      case "Hello":
        return [name];
      case "AddMatch":
      case "RemoveMatch":
        return [];
      case "NameHasOwner":
        return [body.text() === NOTIFICATIONS.name];
      case "GetNameOwner":
        return body.text() === NOTIFICATIONS.name ? [NOTIFICATIONS.owner] : undefined;
      case "ListActivatableNames":
        return [[]];
      case "GetCapabilities":
        return [["actions", "body"]];
      case "GetServerInformation":
        return ["desktop", "tests", "1", "1.2"];
      case "Notify":
        return [this.show(body)];
      case "CloseNotification":
        this.shown.delete(body.number());
        return [];
      default:
        return undefined;
    }
  }

  private show(body: Call["body"]): number {
    body.text();
    const replaced = body.number();
    body.text();
    const id = replaced || ++this.notifications;
    this.shown.set(id, { id, title: body.text(), body: body.text() });
    return id;
  }

  private signal(member: string, ...values: Value[]): void {
    const bytes = this.writer.signal(NOTIFICATIONS, member, ...values);
    for (const socket of this.sockets) socket.write(bytes);
  }
}
