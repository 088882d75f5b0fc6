import type { Actor } from "../../domain/policy.ts";

export interface SearchRateOptions {
  /** The platform's limiter, which counts a person's searches over REST as well; absent: limits are off. */
  limiter: RateLimit | undefined;
  onFailure: (error: unknown) => void;
}

/** Limits the searches of a person over sockets. While the limiter fails, nothing is limited. */
export class SearchRate {
  private readonly options: SearchRateOptions;

  constructor(options: SearchRateOptions) {
    this.options = options;
  }

  /** Counts a search; false: that is too many. */
  async allows({ userId, role }: Pick<Actor, "userId" | "role">): Promise<boolean> {
    const { limiter, onFailure } = this.options;
    if (!limiter || role === "admin") return true;
    try {
      return (await limiter.limit({ key: userId })).success;
    } catch (error) {
      onFailure(error);
      return true;
    }
  }
}
