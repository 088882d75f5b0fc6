import { expect, test } from "vitest";
import { z } from "zod";
import { serverEvent } from "../../src/live/events.ts";
import { clientFrame } from "../../src/live/frames.ts";
import { PROTOCOL, SCHEMA_HASH } from "../../src/live/version.ts";

test("SCHEMA_HASH is the hash of the protocol's schemas", async () => {
  const schemas = [clientFrame, serverEvent].map((schema) => z.toJSONSchema(schema));
  const bytes = new TextEncoder().encode(JSON.stringify(schemas));
  const digest = Buffer.from(await crypto.subtle.digest("SHA-256", bytes));
  // What to do when this fails is documented beside SCHEMA_HASH.
  expect({ PROTOCOL, SCHEMA_HASH }).toEqual({
    PROTOCOL: "parley.v1",
    SCHEMA_HASH: digest.toString("hex").slice(0, 16),
  });
});
