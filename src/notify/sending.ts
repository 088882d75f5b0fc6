/** A version of a conversation's row. */
export interface Version {
  epoch: string;
  rev: number;
}

/** A notification that is being composed or delivered, and what is learnt of its conversation meanwhile. */
export class Sending {
  readonly id: string;
  /** It is being delivered: some devices may show it. */
  isDelivering = false;
  /** What the conversation has answered, where there is something to notify of. */
  private answer: Version | undefined;
  /** The row by which everything was read. */
  private readBy: Version | undefined;

  constructor(id: string) {
    this.id = id;
  }

  /** Whether everything was read meanwhile. */
  get isRead(): boolean {
    return this.readBy !== undefined;
  }

  /** The conversation says that there is something to notify of: an older row by which all was read is void. */
  answered(answer: Version): void {
    this.answer = answer;
    if (this.readBy && isBefore(this.readBy, answer)) this.readBy = undefined;
  }

  /** Takes a row by which everything was read; false: the conversation has said since that something is unread. */
  read(row: Version): boolean {
    if (this.answer && isBefore(row, this.answer)) return false;
    this.readBy = row;
    return true;
  }
}

/** Whether a version of a row is older than another one of the same epoch. */
function isBefore(row: Version, other: Version): boolean {
  return row.epoch === other.epoch && row.rev < other.rev;
}
