import { expect, test, vi } from "vitest";
import { PACE } from "../../src/attachments/pace.ts";
import { DIRECT } from "../rest/requests.ts";
import { fetchJson, person } from "../support.ts";

/** JSON bodies that stop before their end. */

const DECLARED = 1_024;

test("408 for a body that stops before its Content-Length, after 30 s and a second for each KB", async () => {
  const alice = await person();
  const later = setTimeout.bind(globalThis);
  vi.spyOn(globalThis, "setTimeout").mockImplementation(((work: () => void, ms?: number) =>
    later(work, ms === PACE.idleMs + 1_000 ? 1 : ms)) as typeof setTimeout);
  const { readable: body, writable } = new FixedLengthStream(DECLARED);
  writable
    .getWriter()
    .write(new TextEncoder().encode('{"o'))
    .catch(() => undefined);
  const { status, body: refusal } = await fetchJson(DIRECT, {
    method: "POST",
    headers: {
      Authorization: `Bearer ${alice.token}`,
      "Content-Type": "application/json",
    },
    body,
  });
  expect([status, refusal.code]).toEqual([408, "upload_timeout"]);
}, 8_000);
