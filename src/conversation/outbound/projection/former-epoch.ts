import type { Directory } from "../../../directory/directory.ts";
import {
  FORMER_PAGE,
  type MentionKey,
  membersAfter,
  mentionsAfter,
  removeMembers,
  removeMentions,
  removeUncounted,
  sentFilesAfter,
  settleFiles,
  uncountedAfter,
} from "../../../directory/former-rows.ts";
import { project } from "../../../directory/projection.ts";
import type { Memory } from "../../commit/draft.ts";
import { putSwept } from "../../tables/epochs.ts";
import { fileState } from "../../tables/files.ts";
import { memberOf } from "../../tables/members.ts";
import { isMentioned } from "../../tables/mentions.ts";
import { isUncounted } from "../../tables/uncounted.ts";
import type { Changed } from "./changed.ts";
import { snapshotOf } from "./snapshot.ts";

export interface FormerEpochOptions {
  sql: SqlStorage;
  memory: Memory;
  epoch: string;
  /** The revision with which the epoch began: a mention of this one may be another under the same number. */
  beganAt: number;
  directory: Directory;
  /** People whose lists show the conversation, and who are not in it, are to be told so. */
  onGone: (userIds: readonly string[]) => Promise<void>;
}

/** The last row that a page of some kind came to. */
const BEFORE_ALL = { number: 0, key: "", mention: ["", 0] as MentionKey };

/**
 * Removes from D1 what it has of an earlier epoch of a conversation and what is not in its present state. The
 * conversation's own row comes first: from then on writes of the earlier epoch that come late change
 * nothing. Goes on where it was when it is repeated; an object that restarts begins anew, which does no harm.
 */
export class FormerEpoch {
  private readonly options: FormerEpochOptions;
  private readonly steps: (() => Promise<boolean>)[];
  private member = "";
  private number = 0;
  private file = { number: BEFORE_ALL.number, key: BEFORE_ALL.key };
  private mention = BEFORE_ALL.mention;

  constructor(options: FormerEpochOptions) {
    this.options = options;
    this.steps = [
      () => this.putConversation(),
      () => this.sweepMembers(),
      () => this.sweepUncounted(),
      () => this.sweepMentions(false),
      () => this.sweepMentions(true),
      () => this.sweepFiles(),
    ];
  }

  /** Does the next part of it; whether that was the last. Rejects where D1 fails: to be repeated. */
  async sweepPage(): Promise<boolean> {
    const [step] = this.steps;
    if (step && !(await step())) return false;
    // An earlier call that was taken to have failed may have gone on.
    if (this.steps[0] === step) this.steps.shift();
    if (this.steps.length > 0) return false;
    putSwept(this.options.sql);
    return true;
  }

  private get of() {
    return { conversationId: this.options.memory.conversation.id };
  }

  private async putConversation(): Promise<boolean> {
    await this.write([{ type: "conversation" }]);
    return true;
  }

  /** Members are written as they are now, so that nothing is counted from what they had read before. */
  private async sweepMembers(): Promise<boolean> {
    const { directory, sql, epoch, onGone } = this.options;
    const found = await membersAfter(directory, { ...this.of, after: this.member });
    const rows = found.map((row) => ({ ...row, member: memberOf(sql, row.userId) }));
    const gone = rows.filter(({ isPresent, member }) => isPresent && member?.leftAt !== null);
    if (gone.length > 0) await onGone(gone.map(({ userId }) => userId));
    const known = rows.flatMap(({ member }) => member ?? []);
    if (known.length > 0) {
      await this.write(known.map((member): Changed => ({ type: "member", member })));
    }
    const userIds = rows.flatMap(({ userId, member }) => (member ? [] : userId));
    await removeMembers(directory, { ...this.of, epoch, userIds });
    this.member = found.at(-1)?.userId ?? this.member;
    return found.length < FORMER_PAGE;
  }

  private async sweepUncounted(): Promise<boolean> {
    const { directory, sql } = this.options;
    const found = await uncountedAfter(directory, { ...this.of, after: this.number });
    const numbers = found.filter((number) => !isUncounted(sql, number));
    await removeUncounted(directory, { ...this.of, numbers });
    this.number = found.at(-1) ?? this.number;
    return found.length < FORMER_PAGE;
  }

  /** Which mentions were read is written anew: the reads that show it come with it. */
  private async sweepMentions(read: boolean): Promise<boolean> {
    const { directory, sql, beganAt } = this.options;
    const found = await mentionsAfter(directory, { ...this.of, after: this.mention, read });
    const keys = read
      ? found
      : found.filter(([userId, number]) => !isMentioned(sql, { userId, number, before: beganAt }));
    await removeMentions(directory, { ...this.of, keys, read });
    const isDone = found.length < FORMER_PAGE;
    this.mention = isDone ? BEFORE_ALL.mention : (found.at(-1) ?? this.mention);
    return isDone;
  }

  private async sweepFiles(): Promise<boolean> {
    const { directory, sql } = this.options;
    const found = await sentFilesAfter(directory, { ...this.of, after: this.file });
    const isCarried = ({ key, number }: { key: string; number: number }) =>
      fileState(sql, { key, number, claim: null }) === "carried";
    const gone = found.filter((file) => !file.isDeleted && !isCarried(file));
    const back = found.filter((file) => file.isDeleted && isCarried(file));
    const keys = (files: typeof found) => files.map(({ key }) => key);
    await settleFiles(directory, { ...this.of, gone: keys(gone), back: keys(back) });
    this.file = found.at(-1) ?? this.file;
    return found.length < FORMER_PAGE;
  }

  private async write(changes: readonly Changed[]): Promise<void> {
    const { sql, memory, epoch, directory } = this.options;
    await project(directory, snapshotOf(sql, memory, epoch, changes, [], memory.counters.rev));
  }
}
