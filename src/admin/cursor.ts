import { Buffer } from "node:buffer";
import { z } from "zod";
import { refuse } from "../edge/refusal.ts";

/** A place in a list that is ordered by time and id. */
const place = z.tuple([z.number().int(), z.string()]);

/** The cursor of the page behind an item. */
export function cursorOf(time: number, id: string): string {
  return Buffer.from(JSON.stringify([time, id])).toString("base64url");
}

/** Reads it; refuses what is none. */
export function placeOf(cursor: string): z.infer<typeof place> {
  try {
    return place.parse(JSON.parse(Buffer.from(cursor, "base64url").toString()));
  } catch {
    refuse("invalid_request", {
      details: [{ path: "cursor", message: "not a cursor of this route" }],
    });
  }
}
