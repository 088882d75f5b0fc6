import { runInDurableObject } from "cloudflare:test";
import { expect } from "vitest";
import { IDENTITY_HEADER } from "../../src/conversation/api.ts";
import type { ConnectionIdentity } from "../../src/conversation/identity.ts";
import { type Caller, ORIGIN, objectOf, person, Socket } from "../support.ts";

/** What tests of bans from the service share. */

export const admin = await person("admin", { role: "admin" });

export const banPath = ({ userId }: Pick<Caller, "userId">) =>
  `/api/admin/users/${encodeURIComponent(userId)}/ban`;

/** Bans somebody; everything is done then, unless a warning is expected. */
export async function ban(banned: Caller, body: object = {}, warning: RegExp | null = null) {
  const answer = await admin.put(banPath(banned), body);
  expect(answer.status).toBe(204);
  const said = answer.headers.get("Warning");
  if (warning === null) expect(said).toBeNull();
  else expect(said).toMatch(warning);
}

export async function unban(banned: Caller): Promise<void> {
  expect((await admin.delete(banPath(banned))).status).toBe(204);
}

/** A socket that comes through a Worker which does not know of the ban yet. */
export async function openUnchecked(user: Caller, conversationId: string): Promise<Socket> {
  const identity: ConnectionIdentity = {
    ...{ userId: user.userId, name: null, avatarUrl: null, role: "user", origin: ORIGIN },
    expiresAt: Date.now() + 3_600_000,
  };
  const headers = {
    Upgrade: "websocket",
    [IDENTITY_HEADER]: encodeURIComponent(JSON.stringify(identity)),
  };
  return new Socket(await objectOf(conversationId).fetch("https://x/live", { headers }));
}

/** The class of conversations, where its RPC method is. */
export async function typeOf(conversationId: string): Promise<{ evict(userId: string): void }> {
  return runInDurableObject(objectOf(conversationId), (object) =>
    Object.getPrototypeOf(Object.getPrototypeOf(object)),
  );
}
