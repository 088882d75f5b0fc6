/**
 * The one use of the platform's point-in-time recovery. The local runtime does not have it: there every method
 * throws, and tests replace them.
 */
export class Recovery {
  private readonly storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.storage = storage;
  }

  /** The state at about a time of the last thirty days. Bookmarks of later states sort after it. */
  bookmarkAt(time: number): Promise<string> {
    return this.storage.getBookmarkForTime(time);
  }

  /** The present state. */
  currentBookmark(): Promise<string> {
    return this.storage.getCurrentBookmark();
  }

  /** Has the object begin with an earlier state, all of it, when it starts next. */
  async restoreAtStart(bookmark: string): Promise<void> {
    await this.storage.onNextSessionRestoreBookmark(bookmark);
  }
}
