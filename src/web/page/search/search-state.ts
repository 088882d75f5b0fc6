import { type Signal, signal } from "@preact/signals";
import { ParleyError } from "../../../client/error.ts";
import type { Channel, Person, Place, Rest } from "../../../client/rest.ts";
import type { SearchHit } from "../../../client/search.ts";
import { MAX_NAME_LENGTH } from "../../../domain/person.ts";
import { sentenceOf } from "../model/notices.ts";
import { Names } from "./names.ts";
import { type Searched, searchedWith } from "./searched.ts";

/** Pause in typing before the server is searched. */
const PAUSE_MS = 150;
/** The shortest wait after too many requests. */
const MIN_WAIT_MS = 1_000;
/** People and channels that are shown. */
const NAMES_SHOWN = 5;
/** Pages of them that are requested, where the first have none. */
const NAME_PAGES = 3;

/** What was found for the text that is typed. */
export interface Found {
  people: readonly Person[];
  channels: readonly Channel[];
  hits: readonly SearchHit[];
  /** What was searched for the hits; `undefined`: no answer yet. */
  searched: Searched | undefined;
  /** Requests that are not answered. */
  waiting: number;
  /** Whether they wait because there were too many. */
  isHeld: boolean;
  /** Why something could not be searched. */
  problem: string | undefined;
}

const NOTHING: Found = {
  ...{ people: [], channels: [], hits: [], searched: undefined },
  ...{ waiting: 0, isHeld: false, problem: undefined },
};

/** Searches as one types: what is shown is always of the text that was typed last. */
export class SearchState {
  readonly found: Signal<Found> = signal(NOTHING);
  private readonly rest: Pick<Rest, "search" | "findPeople" | "findChannels">;
  private readonly people = new Names<Person>();
  private readonly channels = new Names<Channel>();
  private query: { q: string; conversationId?: string } = { q: "" };
  private abort = new AbortController();
  /** Until when the server takes no further request. */
  private heldUntil = 0;

  constructor(rest: Pick<Rest, "search" | "findPeople" | "findChannels">) {
    this.rest = rest;
  }

  /** Searches everything, or one conversation. Requests for earlier texts are aborted. */
  seek(text: string, conversationId: string | undefined): void {
    const q = text.trim();
    if (q === this.query.q && conversationId === this.query.conversationId) return;
    this.close();
    this.abort = new AbortController();
    this.query = { q, ...(conversationId !== undefined && { conversationId }) };
    this.found.value = NOTHING;
    if (q !== "") void this.run(this.abort.signal);
  }

  /** Requests the next page of messages. */
  more(): void {
    const { searched, waiting } = this.found.peek();
    const cursor = searched?.cursor;
    if (cursor && waiting === 0) void this.searchMessages(this.abort.signal, { cursor });
  }

  close(): void {
    this.abort.abort();
  }

  private async run(signal: AbortSignal): Promise<void> {
    const { q, conversationId } = this.query;
    this.change({ waiting: 1 });
    await pause(PAUSE_MS, signal);
    if (signal.aborted) return;
    this.change({ waiting: 0 });
    void this.searchMessages(signal);
    if (conversationId === undefined && isName(q)) this.searchNames(q, signal);
  }

  private searchMessages(signal: AbortSignal, place: { cursor?: string } = {}): Promise<void> {
    const query = { ...this.query, ...place };
    return this.ask(
      signal,
      () => this.rest.search(query, signal),
      ({ hits, ...searched }) => {
        const before = this.found.peek();
        return {
          hits: [...before.hits, ...hits],
          searched: searchedWith(before.searched, searched),
        };
      },
    );
  }

  private searchNames(q: string, signal: AbortSignal): void {
    const people = this.people.of(q);
    const channels = this.channels.of(q);
    this.change({ people: people ?? [], channels: channels ?? [] });
    if (!people) {
      void this.ask(
        signal,
        () =>
          firstOf(async (place) => {
            const { users: items, next } = await this.rest.findPeople(q, place, signal);
            return { items, next };
          }),
        ({ items, next }) => {
          this.people.learn(q, items, next === undefined);
          return { people: items };
        },
      );
    }
    if (channels) return;
    void this.ask(
      signal,
      () => firstOf((place) => this.rest.findChannels(q, place, signal)),
      ({ items, next }) => {
        this.channels.learn(q, items, next === undefined);
        return { channels: items };
      },
    );
  }

  /** Asks the server, and again after the wait that it wants where there were too many requests. */
  private async ask<Answer>(
    signal: AbortSignal,
    request: () => Promise<Answer>,
    read: (answer: Answer) => Partial<Found>,
  ): Promise<void> {
    const waiting = (more: number) => ({ waiting: this.found.peek().waiting + more });
    this.change({ ...waiting(1), problem: undefined });
    while (!signal.aborted) {
      try {
        await pause(this.heldUntil - Date.now(), signal);
        signal.throwIfAborted();
        const answer = await request();
        signal.throwIfAborted();
        this.change({ ...read(answer), ...waiting(-1), isHeld: false });
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof ParleyError) || error.code !== "rate_limited") {
          this.change({ ...waiting(-1), problem: reasonOf(error) });
          return;
        }
        this.heldUntil = Date.now() + Math.max(MIN_WAIT_MS, error.retryAfterMs ?? 0);
        this.change({ isHeld: true });
      }
    }
  }

  private change(changes: Partial<Found>): void {
    this.found.value = { ...this.found.peek(), ...changes };
  }
}

/** Whether a text may be a name: it has nothing that only queries for messages have. */
function isName(q: string): boolean {
  return q.length <= MAX_NAME_LENGTH && !/[":]|(^|\s)-/.test(q);
}

/** The first page that has something, among the first ones. */
async function firstOf<Page extends { items: unknown[]; next?: string | undefined }>(
  request: (place: Place) => Promise<Page>,
): Promise<Page> {
  let page = await request({ limit: NAMES_SHOWN });
  for (let left = NAME_PAGES - 1; left > 0 && page.items.length === 0 && page.next; left--) {
    page = await request({ limit: NAMES_SHOWN, cursor: page.next });
  }
  return page;
}

function reasonOf(error: unknown): string {
  const detail = error instanceof ParleyError && error.code === "invalid_query" && error.details[0];
  return detail ? detail.message : sentenceOf(error);
}

/** Resolves after a time, or when it is aborted. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
