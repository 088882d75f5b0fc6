import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { jobOf } from "../../src/jobs/kind.ts";
import { orderOf, replaced, runJob } from "./with-kills.ts";

/** The data point of a job. */

let undo: (() => void) | undefined;
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
  undo?.();
});

test("a job that ends is a data point: its kind, how it ended, how long it took", async () => {
  undo = replaced("rebuild", () =>
    jobOf({
      params: z.object({}),
      state: z.object({}),
      begin: () => ({}),
      step: async () => ({ failed: "legal_hold" as const }),
    }),
  );
  if (!env.METRICS) throw new Error("METRICS is not bound");
  const write = vi.spyOn(env.METRICS, "writeDataPoint");
  // Jobs of other tests may have used up the points of these seconds.
  vi.useFakeTimers({ now: Date.now() + 60_000, toFake: ["Date"] });
  const { view } = await runJob(orderOf("rebuild", {}, "somebody"), { kills: false });
  expect(view.state).toBe("failed");
  const points = write.mock.calls.flatMap(([point]) => point ?? []);
  const ours = points.filter(({ indexes }) => indexes?.[0] === "job");
  expect(ours.map(({ blobs }) => blobs)).toContainEqual(["rebuild", "failed"]);
  expect(JSON.stringify(points)).not.toContain("somebody");
});
