import { fail, ok, type Result } from "../domain/error.ts";
import { CHUNK_BYTES, PART_BYTES } from "./stream.ts";

/** Uploads of one person at the same time. */
export const MAX_UPLOADS_A_PERSON = 4;
/** Bytes that the uploads of an isolate may hold together: half of the 128 MB that it has for everything. */
export const MAX_HELD_BYTES = 64 * 1024 * 1024;
/** After so long without a byte an upload is taken to have been cut off by the platform. */
const STALE_MS = 5 * 60_000;
/** After so long it is worth trying again. */
const RETRY_MS = 5_000;

/** A place among the uploads of an isolate. */
export interface Place {
  userId: string | undefined;
  /** Bytes that the upload may come to hold. */
  bytes: number;
  activeAt: number;
}

/**
 * The uploads under way in one isolate, which is what runs out of memory. Two isolates do not know of each
 * other; a person's requests usually meet in one or a few.
 */
export class Admission {
  private readonly places = new Set<Place>();

  /**
   * A place for an upload that says how long it is, or does not; `undefined` is somebody without a limit
   * of their own. Nothing of the body has been read yet.
   */
  enter(userId: string | undefined, declared: number | undefined, now: number): Result<Place> {
    let held = 0;
    let own = 0;
    for (const place of this.places) {
      if (now - place.activeAt > STALE_MS) this.places.delete(place);
      else {
        held += place.bytes;
        if (userId !== undefined && place.userId === userId) own++;
      }
    }
    if (own >= MAX_UPLOADS_A_PERSON) {
      return fail("rate_limited", { limit: "concurrent_uploads", retryAfterMs: RETRY_MS });
    }
    // The part, the chunk that is read, and the one that is handed on.
    const bytes = Math.min(declared ?? PART_BYTES, PART_BYTES) + 2 * CHUNK_BYTES;
    if (held + bytes > MAX_HELD_BYTES) return fail("unavailable", { retryAfterMs: RETRY_MS });
    const place = { userId, bytes, activeAt: now };
    this.places.add(place);
    return ok(place);
  }

  leave(place: Place): void {
    this.places.delete(place);
  }
}
