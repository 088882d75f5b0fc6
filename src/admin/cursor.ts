import { z } from "zod";
import * as cursors from "../edge/cursor.ts";

/** A place in a list that is ordered by time and id. */
const place = z.tuple([z.number().int(), z.string()]);

/** The cursor of the page behind an item. */
export function cursorOf(time: number, id: string): string {
  return cursors.cursorOf([time, id]);
}

/** Reads it; refuses what is none. */
export function placeOf(cursor: string): z.infer<typeof place> {
  return cursors.cursorIn(place, cursor);
}
