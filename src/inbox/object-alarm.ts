/** The one alarm of an object: set to the earliest time that anything of it asks for. */
export class ObjectAlarm {
  private readonly storage: DurableObjectStorage;
  /** What it is set to, as far as this instance of the object knows. */
  private setTo: number | undefined;

  constructor(storage: DurableObjectStorage) {
    this.storage = storage;
  }

  /** Sets it, unless it is set to an earlier time: then everything that is due is done. */
  async noLaterThan(time: number): Promise<void> {
    if (time >= (this.setTo ?? Infinity)) return;
    const stored = this.setTo ?? (await this.storage.getAlarm()) ?? Infinity;
    this.setTo = Math.min(stored, this.setTo ?? Infinity);
    if (time >= this.setTo) return;
    this.setTo = time;
    await this.storage.setAlarm(time);
  }

  /** It fires: it is set to nothing. */
  fired(): void {
    this.setTo = undefined;
  }
}
