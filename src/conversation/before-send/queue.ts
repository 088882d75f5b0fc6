import type { Conversation } from "../../domain/conversation.ts";
import { type Failure, fail, ok, type Result } from "../../domain/error.ts";
import { isService } from "../../domain/policy.ts";
import type { Settings } from "../../env.ts";
import type { PendingCommand } from "../commit/committer.ts";
import type { Command, Decision } from "../decide/types.ts";
import {
  isModerated,
  namesOf,
  type Question,
  questionAboutMessage,
  questionAboutNames,
} from "./question.ts";
import { moderatedNames, moderatedText, type Reply } from "./verdict.ts";
import { Verdicts } from "./verdicts.ts";

/** Commands of one person that may wait at a time, for the hook or behind one that does. */
const MAX_OF_PERSON = 64;
/** Questions of a conversation that may be under way. */
const MAX_QUESTIONS = 512;

export interface BeforeSendOptions {
  fails: Settings["MODERATION_FAILS"];
  /** How long a question may take, in milliseconds. */
  timeoutMs: number;
  /** Asks the hook. */
  ask: (question: Question) => Promise<Reply>;
  conversation: () => Conversation;
  /** What a command would come to right now. */
  decide: (pending: PendingCommand) => Result<Decision>;
  committer: { submit(...pending: PendingCommand[]): void; flush(): void };
  /** The hook has rejected what a person wrote: it counts against their limits as if it were carried out. */
  onRejected: (pending: PendingCommand) => void;
  onFailure: (reason: string) => void;
}

/** A command in its place in the order of its person. */
interface Entry {
  pending: PendingCommand;
  isReady: boolean;
}

/**
 * Has the before-send hook asked before commands reach the committer. The commands of one person are
 * committed in the order in which they came; those of others do not wait for them. All questions of a person
 * are asked at once, so that nobody waits for longer than one question may take.
 *
 * A command that would be refused anyway is refused without a question, and so is one too many.
 */
export class BeforeSendQueue {
  private readonly options: BeforeSendOptions;
  private readonly verdicts = new Verdicts();
  private readonly byPerson = new Map<string, Entry[]>();
  private questions = 0;

  constructor(options: BeforeSendOptions) {
    this.options = options;
  }

  submit(...pending: PendingCommand[]): void {
    for (const one of pending) this.enter(one);
    for (const userId of new Set(pending.map(({ actor }) => actor.userId))) this.pass(userId);
  }

  private enter(pending: PendingCommand): void {
    const { userId } = pending.actor;
    const entries = this.byPerson.get(userId) ?? [];
    const isWaiting = entries.some(({ isReady }) => !isReady);
    if (isWaiting && entries.length >= MAX_OF_PERSON) {
      this.options.committer.submit({ ...pending, refused: this.tooMany() });
      return;
    }
    const entry = { pending, isReady: true };
    // What the host application writes as the system, it need not be asked about.
    if (isModerated(pending.command) && !isService(pending.actor)) {
      // It is looked at as it would be decided behind the commands before it.
      this.pass(userId);
      this.options.committer.flush();
      this.moderate(entry);
    }
    entries.push(entry);
    this.byPerson.set(userId, entries);
  }

  /** Commits the commands of a person that wait for nothing, up to the first that does. */
  private pass(userId: string): void {
    const entries = this.byPerson.get(userId) ?? [];
    const waiting = entries.findIndex(({ isReady }) => !isReady);
    const ready = entries.splice(0, waiting < 0 ? entries.length : waiting);
    if (entries.length === 0) this.byPerson.delete(userId);
    if (ready.length > 0) this.options.committer.submit(...ready.map(({ pending }) => pending));
  }

  private moderate(entry: Entry): void {
    const { pending } = entry;
    const decided = this.options.decide(pending);
    if (!decided.ok) {
      // Final: what becomes possible while it waits would be carried out without a question.
      entry.pending = { ...pending, refused: decided };
      return;
    }
    const question = questionOf(pending, decided.value, this.options.conversation());
    if (!question) return;
    const isKnown = this.verdicts.has(question.id);
    if (!isKnown && this.questions >= MAX_QUESTIONS) {
      entry.pending = { ...pending, refused: this.tooMany() };
      return;
    }
    entry.isReady = false;
    void this.verdicts
      .of(question.id, () => this.ask(question, pending))
      .then((reply) => {
        const moderated = moderatedCommand(pending.command, reply, this.options.fails);
        entry.pending = moderated.ok
          ? { ...pending, command: moderated.value }
          : { ...pending, refused: moderated };
        entry.isReady = true;
        this.pass(pending.actor.userId);
      });
  }

  private async ask(question: Question, pending: PendingCommand): Promise<Reply> {
    this.questions++;
    const reply = await this.options
      .ask(question)
      .catch((error: unknown): Reply => ({ action: "none", reason: String(error) }));
    this.questions--;
    if (reply.action === "none") this.options.onFailure(reply.reason);
    if (reply.action === "reject") this.options.onRejected(pending);
    return reply;
  }

  private tooMany(): Failure {
    return fail("rate_limited", {
      message: "Too many messages are waiting to be checked; wait before you try again.",
      retryAfterMs: this.options.timeoutMs,
    });
  }
}

/** The question about a command; `undefined` for the retry of a send, which stores nothing. */
function questionOf(
  { actor, command }: PendingCommand,
  { changes }: Decision,
  conversation: Conversation,
): Question | undefined {
  if (command.type === "update") {
    const names = namesOf({ title: command.title, description: command.description });
    return questionAboutNames("conversation.update", actor, conversation, names);
  }
  if (command.type !== "send" && command.type !== "edit") return undefined;
  // Not always the first change: sending accepts a request.
  const change = changes.find(({ type }) => type === "message");
  if (change?.type !== "message") return undefined;
  return questionAboutMessage(actor, conversation, command, change.message);
}

/** The command as the hook's answer lets it be. */
function moderatedCommand(
  command: Command,
  reply: Reply,
  fails: Settings["MODERATION_FAILS"],
): Result<Command> {
  if (reply.action === "none") return fails === "open" ? ok(command) : fail("unavailable");
  switch (command.type) {
    case "send":
    case "edit":
      return moderatedText(command, reply);
    case "update": {
      const { title, description } = command;
      const names = moderatedNames(namesOf({ title, description }), reply);
      return names.ok ? ok({ ...command, ...names.value }) : names;
    }
    default:
      return ok(command);
  }
}
