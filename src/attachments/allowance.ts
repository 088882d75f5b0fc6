import type { Directory } from "../directory/directory.ts";
import { spend } from "../directory/spending.ts";
import { type ChatError, chatError } from "../domain/error.ts";

const MIB = 1024 * 1024;

/** An hourly allowance of bytes. Admins, and everybody while limits are off, have none. */
export interface HourlyLimit {
  directory: Directory;
  userId: string;
  /** MiB an hour. */
  megabytes: number;
}

/**
 * Counts one upload against its person's hourly allowance, in MiB rounded up, before the bytes are
 * stored; never refunded. Each count is one batch in D1 that writes two rows: one batch for an
 * upload with a declared length, one per 5 MiB otherwise.
 */
export class Allowance {
  private readonly limit: HourlyLimit | undefined;
  private taken = 0;

  constructor(limit: HourlyLimit | undefined) {
    this.limit = limit;
  }

  /**
   * Raises the count to `bytes` in total; returns the refusal if the allowance does not suffice.
   */
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
