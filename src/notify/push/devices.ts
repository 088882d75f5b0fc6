import { createHash } from "node:crypto";
import type { PushDevice } from "../../conversation/outbound/inboxes/inbox-api.ts";
import { fail, ok, type Result } from "../../domain/error.ts";
import type { Receiver } from "../receiver.ts";
import { createDevices, type Device, deleteDevice, putDevice, readDevices } from "./tables.ts";
import type { WebPush } from "./web-push.ts";

/** Devices of a user at most; the oldest is replaced. */
export const MAX_DEVICES = 10;
/** How long a device that is put again unchanged is not written again. */
const UNCHANGED_MS = 24 * 60 * 60_000;

export interface DevicesOptions {
  sql: SqlStorage;
  clock: () => number;
  /** `undefined`: without a key nothing is sent. */
  push: WebPush | undefined;
}

/** The browsers in which a user wants to be notified. */
export class Devices {
  private readonly options: DevicesOptions;
  /** What is stored, once it was read: oldest first. */
  private known: Device[] | undefined;

  constructor(options: DevicesOptions) {
    this.options = options;
  }

  /** Those that have not expired. */
  get size(): number {
    return this.current().length;
  }

  /** Stores a subscription, which the caller has checked; one with the same endpoint is replaced. */
  put(subscription: PushDevice): Result<undefined> {
    const { sql, clock, push } = this.options;
    if (!push) return fail("push_not_configured");
    const key = keyOf(subscription.endpoint);
    const devices = this.devices();
    const same = devices.find((device) => device.key === key);
    const now = clock();
    if (same && isUnchanged(same, subscription, now)) return ok(undefined);
    const at = Math.max(now, (devices.at(-1)?.at ?? 0) + 1);
    const device = { ...subscription, key, at };
    const others = devices.filter((other) => other !== same);
    const expired = others.filter((other) => isExpired(other, now));
    const kept = others.filter((other) => !isExpired(other, now));
    const replaced = kept.splice(0, Math.max(0, kept.length + 1 - MAX_DEVICES));
    createDevices(sql);
    for (const other of [...expired, ...replaced]) deleteDevice(sql, other.key);
    putDevice(sql, device);
    this.known = [...kept, device];
    return ok(undefined);
  }

  remove(endpoint: string): void {
    this.delete(keyOf(endpoint));
  }

  /** Each device that has not expired, as a receiver of notifications. */
  receivers(): Receiver[] {
    const { push } = this.options;
    if (!push) return [];
    return this.current().map((device) => ({
      key: device.key,
      send: (notification) => push.send(device, notification),
      forget: () => {
        // It may have been put again since, with new keys.
        if (this.devices().includes(device)) this.delete(device.key);
      },
    }));
  }

  /** Each device that has not expired, without what could be used to reach it. */
  list(): { host: string; addedAt: number; expiresAt: number | null }[] {
    return this.current().map(({ endpoint, at, expirationTime }) => ({
      host: URL.canParse(endpoint) ? new URL(endpoint).host : "",
      addedAt: at,
      expiresAt: expirationTime ?? null,
    }));
  }

  private current(): Device[] {
    const now = this.options.clock();
    return this.devices().filter((device) => !isExpired(device, now));
  }

  private delete(key: string): void {
    const devices = this.devices();
    const kept = devices.filter((device) => device.key !== key);
    if (kept.length === devices.length) return;
    deleteDevice(this.options.sql, key);
    this.known = kept;
  }

  private devices(): Device[] {
    this.known ??= readDevices(this.options.sql);
    return this.known;
  }
}

/** What a device is known by in logs and among receivers: its endpoint is a secret. */
function keyOf(endpoint: string): string {
  return `push:${createHash("sha256").update(endpoint).digest("base64url").slice(0, 16)}`;
}

function isExpired({ expirationTime }: Device, now: number): boolean {
  return expirationTime !== undefined && expirationTime <= now;
}

function isUnchanged(device: Device, given: PushDevice, now: number): boolean {
  return (
    device.keys.p256dh === given.keys.p256dh &&
    device.keys.auth === given.keys.auth &&
    device.expirationTime === given.expirationTime &&
    now < device.at + UNCHANGED_MS
  );
}
