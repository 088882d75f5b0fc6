import { countsAsRead, type Hides, type Hiding, NOBODY_HIDDEN } from "../../domain/hides.ts";

/** Who blocks whom in a conversation, as far as they are or were members of it. */

/** A stored block. */
export interface StoredBlock extends Hiding {
  /** Of the user's inbox: the higher one holds. */
  version: number;
  /** The revision in which it changed here. */
  rev: number;
}

/** People whose blocks are kept in memory; beyond that they are read again. */
const MAX_KNOWN = 2_000;

type BlockRow = {
  user_id: string;
  blocked_id: string;
  to_number: number | null;
  version: number;
  rev: number;
};

export function putBlock(sql: SqlStorage, block: StoredBlock): void {
  sql.exec(
    `INSERT INTO blocks (user_id, blocked_id, to_number, version, rev) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (user_id, blocked_id) DO UPDATE SET to_number = excluded.to_number,
       version = excluded.version, rev = excluded.rev`,
    ...[block.userId, block.blockedId, block.upTo, block.version, block.rev],
  );
}

/** Whose blocks changed after revision `after` and up to `upTo`. Reads all blocks of the conversation. */
export function blocksChangedWithin(
  sql: SqlStorage,
  after: number,
  upTo: number,
): Pick<StoredBlock, "userId" | "blockedId">[] {
  return sql
    .exec<BlockRow>("SELECT * FROM blocks WHERE rev > ? AND rev <= ?", after, upTo)
    .toArray()
    .map(blockOf);
}

/**
 * The blocks of a conversation, read when they are asked for and kept until they change. A conversation without
 * any is looked at once. What is asked within a transaction that changed blocks needs a new instance.
 */
export class Blocks {
  private readonly sql: SqlStorage;
  /** `undefined`: not looked at yet. */
  private hasAny: boolean | undefined;
  private readonly byUser = new Map<string, readonly StoredBlock[]>();
  private readonly byBlocked = new Map<string, readonly StoredBlock[]>();
  private readonly hides = new Map<string, Hides>();

  constructor(sql: SqlStorage) {
    this.sql = sql;
  }

  /** Nobody here ever blocked anybody here. */
  get areNone(): boolean {
    this.hasAny ??= this.sql.exec("SELECT 1 FROM blocks LIMIT 1").toArray().length > 0;
    return !this.hasAny;
  }

  /** What a user blocks or blocked. */
  of(userId: string): readonly StoredBlock[] {
    return this.areNone ? [] : this.read(this.byUser, "user_id", userId);
  }

  /** Who blocks or blocked a user. */
  against(blockedId: string): readonly StoredBlock[] {
    return this.areNone ? [] : this.read(this.byBlocked, "blocked_id", blockedId);
  }

  /** Who counts a message of a sender as read because of a block, whether or not it still holds. */
  readersOf(senderId: string, number: number): string[] {
    return this.against(senderId).flatMap((block) =>
      countsAsRead(block, number) ? block.userId : [],
    );
  }

  between(userId: string, blockedId: string): StoredBlock | undefined {
    return this.of(userId).find((block) => block.blockedId === blockedId);
  }

  /** Whom a user blocks now. The same object for as long as that does not change. */
  heldBy(userId: string): Hides {
    if (this.areNone) return NOBODY_HIDDEN;
    const known = this.hides.get(userId);
    if (known) return known;
    const held = this.of(userId).flatMap(({ blockedId, upTo }) => (upTo === null ? blockedId : []));
    const hides = held.length > 0 ? new Set(held) : NOBODY_HIDDEN;
    this.hides.set(userId, hides);
    return hides;
  }

  /** Blocks that a user has lifted: of whom, and up to which message that is hidden no longer. */
  liftedBy(userId: string): { userId: string; upTo: number }[] {
    return this.of(userId).flatMap(({ blockedId, upTo }) =>
      upTo === null ? [] : { userId: blockedId, upTo },
    );
  }

  /** Whether a user blocks somebody now, or is blocked. */
  concerns(userId: string): boolean {
    const holds = ({ upTo }: StoredBlock) => upTo === null;
    return this.of(userId).some(holds) || this.against(userId).some(holds);
  }

  /** The revision in which a user's blocks changed last; 0: never. */
  changedAt(userId: string): number {
    return this.of(userId).reduce((latest, { rev }) => Math.max(latest, rev), 0);
  }

  /** These blocks have changed. */
  changed(blocks: readonly Pick<StoredBlock, "userId" | "blockedId">[]): void {
    for (const { userId, blockedId } of blocks) {
      this.hasAny = true;
      this.byUser.delete(userId);
      this.hides.delete(userId);
      this.byBlocked.delete(blockedId);
    }
  }

  private read(
    known: Map<string, readonly StoredBlock[]>,
    column: "user_id" | "blocked_id",
    userId: string,
  ): readonly StoredBlock[] {
    const found = known.get(userId);
    if (found) return found;
    const rows = this.sql.exec<BlockRow>(`SELECT * FROM blocks WHERE ${column} = ?`, userId);
    const blocks = rows.toArray().map(blockOf);
    if (known.size >= MAX_KNOWN) {
      known.clear();
      if (column === "user_id") this.hides.clear();
    }
    known.set(userId, blocks);
    return blocks;
  }
}

function blockOf(row: BlockRow): StoredBlock {
  return {
    ...{ userId: row.user_id, blockedId: row.blocked_id },
    ...{ upTo: row.to_number, version: row.version, rev: row.rev },
  };
}
