import { runInDurableObject } from "cloudflare:test";
import { expect, vi } from "vitest";
import { type Commit, Committer } from "../../src/conversation/commit/committer.ts";
import { createConversation } from "../../src/conversation/commit/create.ts";
import type { Memory } from "../../src/conversation/commit/draft.ts";
import { RateWindows } from "../../src/conversation/commit/rate-windows.ts";
import type { Answer, Command, Limits } from "../../src/conversation/decide/types.ts";
import { Blocks } from "../../src/conversation/tables/blocks.ts";
import { readConversation, readCounters } from "../../src/conversation/tables/conversation.ts";
import { Holds } from "../../src/conversation/tables/holds.ts";
import { memberOf } from "../../src/conversation/tables/members.ts";
import { readPendingFigures } from "../../src/conversation/tables/pending-figures.ts";
import type { Kind, Role } from "../../src/domain/conversation.ts";
import type { Result } from "../../src/domain/error.ts";
import { conversationIdOf, messageIdOf } from "../../src/domain/id.ts";
import type { Actor } from "../../src/domain/policy.ts";
import { CREATED, ID } from "../domain/decide/state.ts";
import { objectOf } from "../support.ts";

/** A committer over the real storage of a new object, with the test's timers. */
export class FreshCommitter {
  readonly storage: DurableObjectStorage;
  readonly commits: Commit[] = [];
  /** What each command came to, in the order in which the callers were answered. */
  readonly answered: Result<Answer>[] = [];
  readonly faults: unknown[] = [];
  readonly broken: unknown[] = [];
  readonly limits: Limits = { messagesPerMinute: 1_000, contentLength: 100, editWindowMs: 60_000 };
  clock = CREATED;
  transactions = 0;
  committer: Committer;
  memory: Memory;
  /** Called in the turn of each commit. */
  onCommit: (commit: Commit) => void = () => undefined;
  private readonly conversationId: string;

  constructor(storage: DurableObjectStorage, kind: Kind, roles: Record<string, Role>, id: string) {
    this.storage = storage;
    this.conversationId = id;
    const members = Object.entries(roles).map(([userId, role]) => {
      return { person: { userId, name: null, avatarUrl: null }, role };
    });
    createConversation(
      storage,
      id,
      "epoch",
      {
        ...{ kind, title: "Title", description: null, visibility: "public" },
        ...{ createdBy: "ada", subject: null, purchaseRequestId: null, metadata: null },
        ...{ origin: "unihub", members },
      },
      CREATED,
    );
    this.memory = this.stored();
    this.committer = this.wake();
  }

  /** Restarts from what is stored, as an object does after hibernation. */
  wake(): Committer {
    const { storage } = this;
    this.memory = this.stored();
    this.committer = new Committer({
      storage: {
        sql: storage.sql,
        // Savepoints are transactions within the one of their group.
        transactionSync: (closure) => {
          this.transactions++;
          return storage.transactionSync(closure);
        },
      },
      memory: this.memory,
      limits: this.limits,
      windows: new RateWindows(storage.sql, undefined),
      clock: () => this.clock,
      onCommit: (commit) => {
        this.commits.push(commit);
        for (const { pending, result } of commit.outcomes) {
          if (pending.reply.to === "caller") pending.reply.resolve(result);
        }
        this.onCommit(commit);
      },
      onFault: (error) => this.faults.push(error),
      onBroken: (error) => this.broken.push(error),
    });
    return this.committer;
  }

  /** A user's command, submitted to the committer. */
  submit(userId: string, command: Command, more: Partial<Actor> = {}): void {
    this.submitAll([[userId, command]], more);
  }

  /** Several commands, handed over at once. */
  submitAll(commands: readonly (readonly [string, Command])[], more: Partial<Actor> = {}): void {
    const pending = commands.map(([userId, command]) => ({
      actor: {
        userId,
        name: null,
        avatarUrl: null,
        role: "user",
        reach: "member",
        ...more,
      } as const,
      command,
      reply: {
        to: "caller",
        resolve: (result: Result<Answer>) => void this.answered.push(result),
      } as const,
    }));
    this.committer.submit(...pending);
  }

  /** Opens a window with a command that is refused, so that what comes next is one group. */
  openWindow(): void {
    this.submit("nobody", { type: "archive" });
    expect(this.takeAnswers()).toEqual(["not_a_member"]);
  }

  /** Lets the window end: what waits is committed, and the next window opens if anything was. */
  endWindow(): void {
    vi.runOnlyPendingTimers();
  }

  /** What callers were answered since the last time, `ok` or a code. */
  takeAnswers(): string[] {
    return this.answered.splice(0).map((result) => (result.ok ? "ok" : result.error.code));
  }

  /** Makes storage refuse rows, by a trigger that raises an error. */
  refuse(event: string, when = "1"): void {
    this.storage.sql.exec(
      `CREATE TRIGGER refuse BEFORE ${event} WHEN ${when}
       BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`,
    );
  }

  refuseNothing(): void {
    this.storage.sql.exec("DROP TRIGGER refuse");
  }

  /** The texts of the messages that are stored, by number. */
  texts(): string[] {
    return this.storage.sql
      .exec<{ content: string }>("SELECT content FROM messages ORDER BY number")
      .toArray()
      .map(({ content }) => content);
  }

  id(number: number): string {
    return messageIdOf(this.conversationId, number);
  }

  /** What is in memory is what is stored. */
  expectMemoryToBeStored(): void {
    const { conversation, counters, pendingFigures } = this.stored();
    expect(this.memory.conversation).toEqual(conversation);
    expect(this.memory.counters).toEqual(counters);
    expect(this.memory.pendingFigures).toEqual(pendingFigures);
    for (const [userId, member] of this.memory.members) {
      expect(member).toEqual(memberOf(this.storage.sql, userId));
    }
  }

  private stored(): Memory {
    const { sql } = this.storage;
    const { conversation } = readConversation(sql);
    const pendingFigures = readPendingFigures(sql);
    const blocks = new Blocks(sql);
    return {
      conversation,
      counters: readCounters(sql),
      members: new Map(),
      pendingFigures,
      blocks,
      holds: new Holds(sql),
    };
  }
}

/** Runs a test within an object that has never been used, with timers that only the test lets go off. */
export function withCommitter(
  action: (fresh: FreshCommitter) => void | Promise<void>,
  kind: Kind = "group",
  roles: Record<string, Role> = { ada: "owner", bob: "member", cyd: "member" },
  id = ID,
): Promise<void> {
  return runInDurableObject(objectOf(someId()), async (_, { storage }) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      await action(new FreshCommitter(storage, kind, roles, id));
    } finally {
      vi.useRealTimers();
    }
  });
}

/** The id of a conversation that there is not. */
export function someId(): string {
  return conversationIdOf(crypto.getRandomValues(new Uint8Array(11)));
}

/** A text of at most 100 code points as a command. */
export function text(content: string, clientMessageId?: string): Command {
  return { type: "send", kind: "text", content, clientMessageId, maxLength: 100 };
}
