import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, onTestFinished, test } from "vitest";
import { createApp } from "../../src/app.ts";
import { type Caller, directPair, ORIGIN, Socket } from "../support.ts";

/** The code with which the socket of a page of `origin` is closed, or "open". */
async function outcome(caller: Caller, conversationId: string, allowed: string, origin?: string) {
  const request = new Request(`${ORIGIN}/live/${conversationId}`, {
    headers: {
      Upgrade: "websocket",
      Authorization: `Bearer ${caller.token}`,
      ...(origin !== undefined && { Origin: origin }),
    },
  });
  const settings = { ...env, ALLOWED_ORIGINS: allowed };
  const socket = new Socket(await createApp().fetch(request, settings, createExecutionContext()));
  onTestFinished(() => socket.close());
  return Promise.race([
    socket.next("hello").then(() => "open"),
    socket.closed.then(({ code }) => code),
  ]);
}

test.each([
  // By default only the Worker's own origin is allowed.
  ["", undefined, "open"],
  ["", ORIGIN, "open"],
  ["", "https://evil.test", 4401],
  ["", "http://parley.test", 4401],
  ["", `${ORIGIN}:8443`, 4401],
  ["", `${ORIGIN}.evil.test`, 4401],
  ["", "null", 4401],
  ["", "", 4401],
  // A list replaces the default.
  ["https://app.test, https://other.test", "https://app.test", "open"],
  ["https://app.test, https://other.test", "https://other.test", "open"],
  ["https://app.test/", "https://app.test", "open"],
  ["https://app.test", undefined, "open"],
  ["https://app.test", "https://app.test.evil.test", 4401],
  ["https://app.test", ORIGIN, 4401],
  ["*", "https://evil.test", "open"],
  ["*", "null", "open"],
  // Apps have special origins, which are compared literally.
  ["file://", "file://", "open"],
  ["https://app.test, file://", "file://", "open"],
  ["capacitor://localhost", "capacitor://localhost", "open"],
  ["app://parley, ionic://localhost", "app://parley", "open"],
  ["chrome-extension://abcdef", "chrome-extension://abcdef", "open"],
  ["file://", "file:", 4401],
  ["app://parley", "app://other", 4401],
  ["capacitor://localhost", "http://localhost", 4401],
  ["file://", "null", 4401],
  ["null", "null", "open"],
  ["http://app.test/", "http://app.test", "open"],
])("ALLOWED_ORIGINS=%j, Origin: %s → %s", async (allowed, origin, expected) => {
  const { alice, conversationId } = await directPair();
  expect(await outcome(alice, conversationId, allowed, origin)).toBe(expected);
});
