/**
 * The tables of one conversation, in numbered steps. A released step never changes; a change is a
 * new step, applied when an object wakes.
 */
const STEPS: readonly string[] = [
  `
  CREATE TABLE conversation (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    id TEXT NOT NULL,
    epoch TEXT NOT NULL,
    kind TEXT NOT NULL,
    title TEXT,
    description TEXT,
    visibility TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    archived_at INTEGER,
    subject TEXT,
    purchase_request_id TEXT,
    metadata TEXT,
    origin TEXT NOT NULL,
    changed_rev INTEGER NOT NULL
  );

  -- Apart from the conversation, because it is written with every change and stays small.
  CREATE TABLE counters (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    rev INTEGER NOT NULL,
    last_number INTEGER NOT NULL,
    counted INTEGER NOT NULL,
    last_counted INTEGER NOT NULL,
    last_created_at INTEGER NOT NULL,
    member_count INTEGER NOT NULL,
    projected_rev INTEGER NOT NULL
  );

  CREATE TABLE messages (
    number INTEGER PRIMARY KEY,
    rev INTEGER NOT NULL,
    created_rev INTEGER NOT NULL,
    sender_id TEXT,
    kind TEXT NOT NULL,
    content TEXT NOT NULL,
    reply_to INTEGER,
    created_at INTEGER NOT NULL,
    edited_at INTEGER,
    deleted_at INTEGER,
    client_message_id TEXT,
    digest TEXT,
    metadata TEXT,
    attachments TEXT,
    reactions TEXT
  );
  -- Created revisions rise with the number, so only what changed since needs an index.
  CREATE INDEX messages_changed ON messages (rev) WHERE rev <> created_rev;
  CREATE UNIQUE INDEX messages_sent ON messages (sender_id, client_message_id)
    WHERE client_message_id IS NOT NULL;

  CREATE TABLE uncounted (number INTEGER PRIMARY KEY);

  CREATE TABLE reactions (
    number INTEGER NOT NULL,
    emoji TEXT NOT NULL,
    user_id TEXT NOT NULL,
    rev INTEGER NOT NULL,
    PRIMARY KEY (number, emoji, user_id)
  ) WITHOUT ROWID;
  CREATE INDEX reactions_in_order ON reactions (number, emoji, rev);

  -- The files of messages. A row stays when its message is deleted: D1 learns from it what to sweep.
  CREATE TABLE files (
    number INTEGER NOT NULL,
    key TEXT NOT NULL,
    PRIMARY KEY (number, key)
  ) WITHOUT ROWID;

  -- Claims on uploads that were used (number) or voided (null).
  CREATE TABLE claims (claim TEXT PRIMARY KEY, number INTEGER) WITHOUT ROWID;

  CREATE TABLE invitations (
    user_id TEXT PRIMARY KEY,
    invited_by TEXT NOT NULL,
    invited_at INTEGER NOT NULL
  ) WITHOUT ROWID;

  CREATE TABLE members (
    user_id TEXT PRIMARY KEY,
    name TEXT,
    avatar_url TEXT,
    role TEXT NOT NULL,
    joined_at INTEGER NOT NULL,
    left_at INTEGER,
    archived INTEGER NOT NULL,
    read_up_to INTEGER NOT NULL,
    read_beyond INTEGER NOT NULL,
    rev INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX members_changed ON members (rev);

  -- ahead: the range lies after its member's read_up_to, so a deletion within it moves read_beyond.
  CREATE TABLE reads (
    rev INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL,
    from_number INTEGER NOT NULL,
    to_number INTEGER NOT NULL,
    read_at INTEGER NOT NULL,
    ahead INTEGER NOT NULL
  );
  CREATE UNIQUE INDEX reads_of_member ON reads (user_id, to_number);
  CREATE INDEX reads_ahead ON reads (to_number) WHERE ahead = 1;
  `,
  `
  -- Gateways that are passed what happens. counted: its person is in the conversation, and online by it.
  CREATE TABLE listeners (
    gateway TEXT PRIMARY KEY,
    protocol TEXT NOT NULL,
    user_id TEXT NOT NULL,
    counted INTEGER NOT NULL,
    origin TEXT NOT NULL
  ) WITHOUT ROWID;
  `,
  `
  -- The revision in which a member came or went last; rev rises with their role and flag as well.
  ALTER TABLE members ADD COLUMN moved_rev INTEGER NOT NULL DEFAULT 0;
  `,
  `
  -- What the clock said when a message was sent, where that was behind created_at.
  ALTER TABLE messages ADD COLUMN clock_at INTEGER;

  -- How many of each 256 numbers are uncounted; a block without any has no row.
  CREATE TABLE uncounted_blocks (block INTEGER PRIMARY KEY, count INTEGER NOT NULL);
  INSERT INTO uncounted_blocks (block, count)
    SELECT number / 256, count(*) FROM uncounted GROUP BY 1;
  `,
  `
  -- By a trigger, so that the version before keeps the counts as well where it runs once more.
  CREATE TRIGGER uncounted_added AFTER INSERT ON uncounted BEGIN
    INSERT INTO uncounted_blocks VALUES (new.number / 256, 1)
    ON CONFLICT (block) DO UPDATE SET count = count + 1;
  END;
  `,
  `
  -- Figures that members' rows do not have yet (pending-figures.ts).
  ALTER TABLE counters ADD COLUMN figures TEXT;
  `,
  `
  -- Members whose inbox is called (armed.ts).
  CREATE TABLE armed (user_id TEXT PRIMARY KEY) WITHOUT ROWID;
  `,
  `
  -- Whom a message mentions, as mentionList has it: JSON.
  ALTER TABLE messages ADD COLUMN mentions TEXT;

  -- In whose unread mentions a message counts; '': in those of all members but its sender.
  CREATE TABLE mentions (
    user_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (user_id, number)
  ) WITHOUT ROWID;

  -- In whose it no longer does, by an edit or its deletion. The rows stay: D1 learns from them what to delete.
  CREATE TABLE unmentioned (
    number INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    PRIMARY KEY (number, user_id)
  ) WITHOUT ROWID;
  `,
  `
  -- 1: sent without notifying anybody.
  ALTER TABLE messages ADD COLUMN silent INTEGER;

  -- The revision in which the message began to mention them; 0: before that was stored.
  ALTER TABLE mentions ADD COLUMN rev INTEGER NOT NULL DEFAULT 0;

  -- What an inbox is called for that nobody watches (armed.ts).
  ALTER TABLE armed ADD COLUMN interest TEXT;
  `,
  `
  -- Whom a member blocks, of those who are or were members. What the blocked person wrote up to to_number counts
  -- as read by the member; to_number is null while the block holds. version: of the member's inbox, the higher
  -- one wins. rev: in which it changed here.
  CREATE TABLE blocks (
    user_id TEXT NOT NULL,
    blocked_id TEXT NOT NULL,
    to_number INTEGER,
    version INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    PRIMARY KEY (user_id, blocked_id)
  ) WITHOUT ROWID;
  CREATE INDEX blocks_of_blocked ON blocks (blocked_id, user_id);
  `,
  `
  -- Who deleted a message, where that was not its author.
  ALTER TABLE messages ADD COLUMN deleted_by TEXT;

  -- Seconds between two messages of one member; 0: any.
  ALTER TABLE conversation ADD COLUMN slow_mode INTEGER NOT NULL DEFAULT 0;
  -- 1: only its owner and moderators write.
  ALTER TABLE conversation ADD COLUMN locked INTEGER NOT NULL DEFAULT 0;
  -- JSON: the pinned messages.
  ALTER TABLE conversation ADD COLUMN pins TEXT;

  -- Until then the member may only read; 0: never muted.
  ALTER TABLE members ADD COLUMN muted_until INTEGER NOT NULL DEFAULT 0;

  -- Who may not be in the conversation; until: null without an end.
  CREATE TABLE bans (
    user_id TEXT PRIMARY KEY,
    banned_by TEXT NOT NULL,
    banned_at INTEGER NOT NULL,
    until INTEGER,
    reason TEXT
  ) WITHOUT ROWID;

  -- When a member sent last, of those whom slow mode concerns; none where there is no slow mode.
  CREATE TABLE paced (user_id TEXT PRIMARY KEY, sent_at INTEGER NOT NULL) WITHOUT ROWID;

  -- Acts of moderators and staff: JSON. They stay, so that D1 can be rebuilt.
  CREATE TABLE audit (rev INTEGER PRIMARY KEY, act TEXT NOT NULL);
  `,
  `
  -- 1: the member has not yet accepted that a stranger began this conversation or added them; 2: declined it.
  ALTER TABLE members ADD COLUMN request INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX requests ON members (user_id) WHERE request > 0;
  `,
  `
  -- 0: nobody is to see that the person is connected by it.
  ALTER TABLE listeners ADD COLUMN visible INTEGER NOT NULL DEFAULT 1;
  `,
  `
  -- Days that messages are kept; null: as the setting of its kind says.
  ALTER TABLE conversation ADD COLUMN retention_days INTEGER;
  -- 1: an admin has set them, and nobody else changes them.
  ALTER TABLE conversation ADD COLUMN retention_by_admin INTEGER NOT NULL DEFAULT 0;
  -- Messages up to this number are gone, except pinned ones; 0: none. With the counters, because members'
  -- figures, which are read with it, are as well.
  ALTER TABLE counters ADD COLUMN purged_to INTEGER NOT NULL DEFAULT 0;

  -- The revision with which its epoch began; 0: that of its creation. Lower ones are of earlier epochs.
  ALTER TABLE conversation ADD COLUMN epoch_rev INTEGER NOT NULL DEFAULT 0;
  -- What had the epoch begun: an id of the caller's.
  ALTER TABLE conversation ADD COLUMN epoch_by TEXT;
  -- 1: D1 may have rows of an earlier epoch.
  ALTER TABLE conversation ADD COLUMN unswept INTEGER NOT NULL DEFAULT 0;
  -- When an epoch began last because somebody was erased: nothing from before may come back.
  ALTER TABLE conversation ADD COLUMN erased_at INTEGER NOT NULL DEFAULT 0;
  -- JSON: the restore that has closed the conversation until it is carried out; null: none.
  ALTER TABLE conversation ADD COLUMN fence TEXT;

  -- Why nothing may be deleted: '' for the conversation itself, or the user whom it concerns.
  CREATE TABLE holds (subject TEXT PRIMARY KEY, held_at INTEGER NOT NULL) WITHOUT ROWID;

  -- What messages were before they were edited or deleted while there was a hold: JSON.
  CREATE TABLE held (
    number INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (number, rev)
  ) WITHOUT ROWID;
  `,
];

/**
 * Whether this object holds a conversation. Reads only: a request for a guessed id stores nothing.
 */
export function isCreated(sql: SqlStorage): boolean {
  return sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'schema_steps'").toArray().length > 0;
}

/** The statements that make the tables as all steps leave them, once they were made so in this isolate. */
let whole: string | undefined;

/** Applies the missing steps; call it within a transaction. */
export function migrate(sql: SqlStorage): void {
  sql.exec("CREATE TABLE IF NOT EXISTS schema_steps (step INTEGER PRIMARY KEY)");
  const { done } = sql.exec<{ done: number }>("SELECT count(*) AS done FROM schema_steps").one();
  if (done === 0 && whole !== undefined) {
    sql.exec(whole);
    return;
  }
  for (const [index, step] of STEPS.entries()) {
    if (index < done) continue;
    sql.exec(step);
    sql.exec("INSERT INTO schema_steps (step) VALUES (?)", index + 1);
  }
  if (done === 0) whole = statementsOf(sql);
}

/**
 * What makes the tables of a new conversation at once, as SQLite has them: altering a table twenty times takes
 * longer than making it. Tables of the runtime begin with an underscore.
 */
function statementsOf(sql: SqlStorage): string {
  const made = sql.exec<{ sql: string }>(
    `SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name <> 'schema_steps'
       AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_%' ESCAPE '\\'
     ORDER BY type <> 'table', rowid`,
  );
  const steps = STEPS.map((_, index) => `(${index + 1})`).join();
  const statements = Array.from(made, (one) => one.sql);
  return [...statements, `INSERT INTO schema_steps (step) VALUES ${steps}`].join(";\n");
}
