import type { Directory } from "../directory/directory.ts";
import { spend } from "../directory/spending.ts";
import { type ChatError, chatError } from "../domain/error.ts";

const MIB = 1024 * 1024;

/** What an hourly allowance is taken from: `undefined` has no limit. */
export interface HourlyLimit {
  directory: Directory;
  userId: string;
  /** MiB an hour. */
  megabytes: number;
}

/**
 * What one upload takes of its person's hourly allowance, in MiB rounded up. It is taken before the bytes
 * are stored and never given back, whatever becomes of them. Each taking is one batch in D1 that writes
 * two rows: one for an upload that declares its length, one more for every 5 MiB of one that does not.
 */
export class Allowance {
  private readonly limit: HourlyLimit | undefined;
  private taken = 0;

  constructor(limit: HourlyLimit | undefined) {
    this.limit = limit;
  }

  /** Takes what so many bytes need in all; the refusal when there is not as much left. */
  async cover(bytes: number): Promise<ChatError | undefined> {
    const amount = Math.max(1, Math.ceil(bytes / MIB)) - this.taken;
    if (!this.limit || amount <= 0) return undefined;
    const { directory, userId, megabytes } = this.limit;
    const expense = { name: "upload_megabytes_per_hour", amount, limit: megabytes };
    const exhausted = await spend(directory, userId, [expense], Date.now());
    if (exhausted) {
      return chatError("rate_limited", {
        limit: exhausted.name,
        retryAfterMs: exhausted.retryAfterMs,
      });
    }
    this.taken += amount;
    return undefined;
  }
}
