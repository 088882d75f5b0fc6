import { Buffer } from "node:buffer";
import type { z } from "zod";
import { refuse } from "./refusal.ts";

/** Cursors: opaque to clients, who send them back as they are. */

/** A value as the text of a cursor. */
export function cursorOf(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** The value of a cursor; refuses what is none. */
export function cursorIn<Schema extends z.ZodType>(
  schema: Schema,
  cursor: string,
): z.output<Schema> {
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, "base64url").toString()));
  } catch {
    refuseCursor();
  }
}

/** Refuses a cursor that does not belong to the request. */
export function refuseCursor(): never {
  refuse("invalid_request", {
    details: [{ path: "cursor", message: "not a cursor of this route" }],
  });
}
