/** The one alarm of an object: set to the earliest time that anything of it asks for. */
export class ObjectAlarm {
  private readonly storage: DurableObjectStorage;
  /** What it is set to, or is to be, as far as this instance of the object knows. */
  private setTo: number | undefined;
  private isHandled = false;

  constructor(storage: DurableObjectStorage) {
    this.storage = storage;
  }

  /**
   * Sets it, unless it is set to an earlier time: then everything that is due is done. While it is handled,
   * once that is done: until then the platform repeats it should the object end.
   */
  async noLaterThan(time: number): Promise<void> {
    if (time >= (this.setTo ?? Infinity)) return;
    if (this.isHandled) {
      this.setTo = time;
      return;
    }
    const stored = this.setTo ?? (await this.storage.getAlarm()) ?? Infinity;
    this.setTo = Math.min(stored, this.setTo ?? Infinity);
    if (time >= this.setTo) return;
    this.setTo = time;
    await this.storage.setAlarm(time);
  }

  /** It fires: does what is due, and then sets it again. */
  async handle(doWhatIsDue: () => Promise<unknown>): Promise<void> {
    this.setTo = undefined;
    this.isHandled = true;
    try {
      await doWhatIsDue();
    } finally {
      this.isHandled = false;
      if (this.setTo !== undefined) await this.storage.setAlarm(this.setTo);
    }
  }
}
