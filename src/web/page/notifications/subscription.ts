import type { PushDevice } from "../../../client/rest.ts";

/** The browser's part of Web Push: the service worker and its subscription. */

const WORKER = "/service-worker.js";

/** TypeScript does not know trusted types: to it they are the text that they stand for. */
interface TrustedTypePolicies {
  createPolicy(
    name: string,
    rules: { createScriptURL: () => string },
  ): { createScriptURL: (url: string) => string };
}
declare global {
  interface Window {
    readonly trustedTypes?: TrustedTypePolicies;
  }
}

let trusted: string | undefined;

/**
 * The service worker's address, in the form that the page's policy demands. Made only where it is needed, and
 * once: without pushes that policy forbids it.
 */
function workerUrl(): string {
  trusted ??= window.trustedTypes
    ?.createPolicy("service-worker", { createScriptURL: () => WORKER })
    .createScriptURL(WORKER);
  return trusted ?? WORKER;
}

export function canSubscribe(): boolean {
  return "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
}

/** The registration of the service worker, if there is one. */
export async function registration(): Promise<ServiceWorkerRegistration | undefined> {
  return canSubscribe() ? navigator.serviceWorker.getRegistration("/") : undefined;
}

/** Registers the service worker, or updates it, and subscribes to pushes that are signed by a key. */
export async function subscribe(key: string): Promise<PushSubscription> {
  await navigator.serviceWorker.register(workerUrl());
  const { pushManager } = await navigator.serviceWorker.ready;
  const before = await pushManager.getSubscription();
  if (before && keyOf(before) === key) return before;
  // A subscription is bound to its key.
  await before?.unsubscribe();
  return pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
}

export async function unsubscribe(): Promise<void> {
  const subscription = await (await registration())?.pushManager.getSubscription();
  await subscription?.unsubscribe();
}

export function deviceOf(subscription: PushSubscription): PushDevice {
  const { endpoint, keys: { p256dh = "", auth = "" } = {} } = subscription.toJSON();
  return { endpoint: endpoint ?? subscription.endpoint, keys: { p256dh, auth } };
}

/** The server's key that a subscription was made with, in base64url without padding. */
function keyOf({ options }: PushSubscription): string {
  const bytes = new Uint8Array(options.applicationServerKey ?? new ArrayBuffer(0));
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
