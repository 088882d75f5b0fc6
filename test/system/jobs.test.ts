import { afterAll, expect, test, vi } from "vitest";
import { z } from "zod";
import { cleanUp, startServer, temporaryFolder } from "./server.ts";
import { tokenWith } from "./token.ts";

/** A job of a server that is killed: a real process, on a real disk. */

afterAll(cleanUp);

/** More than three steps of a rebuild. */
const CONVERSATIONS = 160;

const answer = z.object({
  job: z.object({
    id: z.string(),
    state: z.string(),
    done: z.number(),
    total: z.number().nullable(),
    result: z.unknown(),
  }),
});

test("a job goes on after its server was killed and started again", async () => {
  const folder = await temporaryFolder();
  let { program, address } = await startServer(folder, "--var", "REQUEST_LIMITS:off");
  const token = await tokenWith("boss", { role: "admin" });
  const call = async (method: string, path: string, body?: object) => {
    const response = await fetch(address + path, {
      method,
      headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
    });
    expect(response.status, `${method} ${path}`).toBeLessThan(300);
    return response.json();
  };
  const others = ["first", "second"];
  for (const userId of others) {
    const headers = { Authorization: `Bearer ${await tokenWith(userId, {})}` };
    await fetch(`${address}/api/v1/chat/conversations`, { headers });
  }
  for (let i = 0; i < CONVERSATIONS; i++) {
    await call("POST", "/api/v1/chat/conversations/group", { title: "A", participantIds: others });
  }
  const { job } = answer.parse(await call("POST", "/api/admin/jobs", { kind: "rebuild" }));
  expect(job).toMatchObject({ state: "running", done: 0 });
  await program.kill();

  ({ program, address } = await startServer(folder));
  const ended = async () => {
    const now = answer.parse(await call("GET", `/api/admin/jobs/${job.id}`));
    expect(now.job.state).toBe("done");
    return now.job;
  };
  const end = await vi.waitFor(ended, { timeout: 90_000, interval: 250 });
  expect(end).toMatchObject({ done: CONVERSATIONS, total: CONVERSATIONS });
  expect(end.result).toEqual({ rebuilt: CONVERSATIONS, failed: 0, failedIds: [] });
});
