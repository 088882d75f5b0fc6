import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { IDENTITY_HEADER } from "../../src/conversation/api.ts";
import type { ConnectionIdentity } from "../../src/conversation/identity.ts";
import { directPair, ORIGIN, objectOf } from "../support.ts";

test("a socket that is closed during its greeting is not accepted again when the object wakes", async () => {
  const { alice, conversationId } = await directPair();
  const { userId } = alice;
  // The token expired on the way from the Worker to the object.
  const seat: ConnectionIdentity = {
    ...{ userId, name: null, avatarUrl: null, role: "user", origin: ORIGIN },
    expiresAt: Date.now() - 1,
  };
  const headers = {
    [IDENTITY_HEADER]: encodeURIComponent(JSON.stringify(seat)),
    Upgrade: "websocket",
  };
  const object = objectOf(conversationId);
  const { webSocket } = await object.fetch(`${ORIGIN}/live`, { headers });
  expect(webSocket).not.toBeNull();
  // The client never answers the close frame.
  const attachments = await runInDurableObject(object, (_, state) =>
    state.getWebSockets().map((socket) => socket.deserializeAttachment()),
  );
  expect(attachments.filter((attachment) => attachment !== null)).toEqual([]);
});
