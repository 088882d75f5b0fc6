import type { LinkTo } from "../../../live/wire.ts";
import type { Memory } from "../../commit/draft.ts";
import type { RecentMessages } from "../../queries/recent.ts";

/** What reads of an open conversation work on. */
export interface View {
  sql: SqlStorage;
  recent: RecentMessages;
  memory: Memory;
  epoch: string;
  linkTo: LinkTo;
}
