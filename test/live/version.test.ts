import { expect, test } from "vitest";
import { z } from "zod";
import { serverEvent } from "../../src/live/events.ts";
import { clientFrame } from "../../src/live/frames.ts";
import { PROTOCOL, SCHEMA_HASH } from "../../src/live/version.ts";

test("no change of the protocol's schemas goes out unnoticed", async () => {
  const schemas = [clientFrame, serverEvent].map((schema) => z.toJSONSchema(schema));
  const bytes = new TextEncoder().encode(JSON.stringify(schemas));
  const digest = Buffer.from(await crypto.subtle.digest("SHA-256", bytes));
  // What to do when this fails stands beside SCHEMA_HASH.
  expect({ PROTOCOL, SCHEMA_HASH }).toEqual({
    PROTOCOL: "parley.v1",
    SCHEMA_HASH: digest.toString("hex").slice(0, 16),
  });
});
