import { expect } from "vitest";
import { type Caller, person } from "../support.ts";

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
