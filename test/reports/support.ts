import { expect } from "vitest";
import { type Caller, person } from "../support.ts";

/** What tests of reports share. */

export const REPORTS = "/api/admin/reports";
export const resolver = await person("resolver", { role: "resolver" });
export const admin = await person("admin", { role: "admin" });

export function report(caller: Caller, messageId: string, body: object = { reason: "spam" }) {
  return caller.post(`/api/v1/chat/messages/${messageId}/report`, body);
}

/** A report as staff see it, wherever it is in the queue. */
export async function found(id: string, state = "open", viewer = resolver) {
  let query = `state=${state}&limit=100`;
  for (;;) {
    const { status, body } = await viewer.get(`${REPORTS}?${query}`);
    expect(status).toBe(200);
    const item = body.items.find((one: { id: string }) => one.id === id);
    if (item || body.next === undefined) return item;
    query = `state=${state}&limit=100&cursor=${body.next}`;
  }
}
