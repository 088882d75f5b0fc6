import type { Channel } from "../../../client/rest.ts";
import type { SearchHit } from "../../../client/search.ts";
import type { Entry } from "../model/entry.ts";
import type { Found } from "./search-state.ts";

/** Conversations that are shown. */
const SHOWN = 8;

/** What can be chosen; `key` is stable for the same subject. */
export type Option = { key: string } & (
  | { type: "conversation"; entry: Entry }
  | { type: "person"; id: string; name: string }
  | { type: "channel"; channel: Channel }
  | { type: "message"; hit: SearchHit }
  /** The next page of messages. */
  | { type: "more" }
);

export interface Group {
  label: string;
  options: readonly Option[];
}

export interface Shown {
  /** What is typed. */
  text: string;
  /** Whether one conversation is searched. */
  isHere: boolean;
  entries: readonly Entry[];
  /** The user's id. */
  me: string;
  found: Found;
}

/** What is shown for a text, in groups that have something: without one, the newest conversations. */
export function groupsOf({ text, isHere, entries, me, found }: Shown): Group[] {
  const words = folded(text).split(/\s+/).filter(Boolean);
  const fits = ({ title }: Entry) => words.every((word) => folded(title).includes(word));
  const named = isHere ? [] : entries.filter(words.length > 0 ? fits : isListed).slice(0, SHOWN);
  const isShown = (id: string) => named.some((entry) => entry.id === id || entry.other === id);
  const people = found.people.filter(({ id }) => id !== me && !isShown(id));
  const channels = found.channels.filter(({ channelId }) => !isShown(channelId));
  const groups: Group[] = [
    {
      label: words.length > 0 ? "Conversations" : "Recent conversations",
      options: named.map((entry) => ({ key: `in-${entry.id}`, type: "conversation", entry })),
    },
    {
      label: "People",
      options: people.map(({ id, name }) => ({
        ...{ key: `with-${id}`, type: "person", id, name: name ?? id },
      })),
    },
    {
      label: "Channels",
      options: channels.map((channel) => ({
        ...{ key: `to-${channel.channelId}`, type: "channel", channel },
      })),
    },
    {
      label: "Messages",
      options: found.hits.map((hit) => ({ key: hit.message.messageId, type: "message", hit })),
    },
    { label: "Further messages", options: found.searched?.cursor ? [MORE] : [] },
  ];
  return groups.filter(({ options }) => options.length > 0);
}

const MORE: Option = { key: "more", type: "more" };

function isListed({ isArchived }: Entry): boolean {
  return !isArchived;
}

/** A title or a text without case and marks. */
function folded(text: string): string {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/** The option that is chosen by the arrow keys: around from one end to the other. */
export function besides(
  options: readonly Option[],
  active: Option | undefined,
  step: 1 | -1,
): Option | undefined {
  const at = options.findIndex(({ key }) => key === active?.key);
  const start = at < 0 && step < 0 ? 0 : at;
  return options.at((start + step) % options.length);
}
