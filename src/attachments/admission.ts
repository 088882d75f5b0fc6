import { fail, ok, type Result } from "../domain/error.ts";
import { CHUNK_BYTES, PART_BYTES } from "./stream.ts";

/** Concurrent uploads per person. */
export const MAX_UPLOADS_A_PERSON = 4;
/** Bytes that all uploads of an isolate may buffer: half of its 128 MB. */
export const MAX_HELD_BYTES = 64 * 1024 * 1024;
/** After this time without a byte an upload counts as cut off by the platform. */
const STALE_MS = 5 * 60_000;
/** Suggested delay before a retry. */
const RETRY_MS = 5_000;

/** A slot among the uploads of an isolate. */
export interface Place {
  userId: string | undefined;
  /** Bytes that the upload may buffer. */
  bytes: number;
  activeAt: number;
}

/**
 * Admits uploads to one isolate, whose memory they share. Isolates do not know of each other; a
 * person's requests usually reach one or a few.
 */
export class Admission {
  private readonly places = new Set<Place>();

  /**
   * Reserves a slot for an upload with a declared length, or without; `userId` is `undefined` for a
   * person without a limit. Nothing of the body has been read yet.
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
    // The part, the chunk being read, and the one passed on.
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
