import { env } from "cloudflare:workers";
import { HTTPException } from "hono/http-exception";
import { describe, expect, test } from "vitest";
import { marketplaceErrors } from "../../src/dialects/marketplace/app.ts";
import { dialect } from "../../src/edge/dialect.ts";
import { errorHandler, plainErrors } from "../../src/edge/errors.ts";

/** Errors that Hono raises itself have the same form as ours. */

const CODES: Record<number, [status: number, code: string]> = {
  400: [400, "malformed_json"],
  401: [401, "unauthenticated"],
  403: [403, "forbidden"],
  404: [404, "route_not_found"],
  405: [404, "route_not_found"],
  413: [413, "payload_too_large"],
  415: [415, "unsupported_media_type"],
  429: [429, "rate_limited"],
};

describe.each([plainErrors, marketplaceErrors])("in the form $name", (form) => {
  async function answerTo(status: number) {
    const app = dialect().get("/", () => {
      throw new HTTPException(status as 400, { message: "what Hono says" });
    });
    app.onError(errorHandler(form));
    const response = await app.request("/", undefined, env);
    return { status: response.status, body: await response.json<{ code: string }>() };
  }

  test("every client error has a code other than `internal`", async () => {
    for (let thrown = 400; thrown < 500; thrown++) {
      const { status, body } = await answerTo(thrown);
      const expected = CODES[thrown] ?? [400, "invalid_request"];
      expect([status, body.code], String(thrown)).toEqual(expected);
      expect(JSON.stringify(body)).not.toContain("Hono");
    }
  });

  test("server errors have the code `internal`", async () => {
    for (const thrown of [500, 501, 503, 504]) {
      const { status, body } = await answerTo(thrown);
      expect([status, body.code]).toEqual([500, "internal"]);
    }
  });
});
