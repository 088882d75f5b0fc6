import { Component } from "preact";
import { unreachable } from "../../../domain/error.ts";
import type { Room } from "../model/room.ts";
import type { Row } from "../model/rows.ts";
import { MessageView } from "./message.tsx";
import { FailedView, PendingView } from "./unconfirmed.tsx";

interface Props {
  row: Row;
  room: Room;
  /** The message that Tab reaches first. */
  isNewest: boolean;
  /** Ids of people, separated by commas. */
  seen: string;
}

/** One row of the timeline. It renders again only when its own data has changed. */
export class TimelineRow extends Component<Props> {
  override shouldComponentUpdate(next: Props): boolean {
    const { row, isNewest, seen } = this.props;
    return next.isNewest !== isNewest || next.seen !== seen || !isSame(row, next.row);
  }

  override render({ row, room, isNewest, seen }: Props) {
    switch (row.type) {
      case "day":
        return (
          <li class="day">
            <span>{row.label}</span>
          </li>
        );
      case "unread":
        return (
          <li class="unread-line">
            <span>New</span>
          </li>
        );
      case "system":
        return <li class="system">{row.message.content}</li>;
      case "message":
        return (
          <MessageView
            room={room}
            message={row.message}
            isFirst={row.isFirst}
            isLast={row.isLast}
            isNewest={isNewest}
            seen={seen === "" ? [] : seen.split(",")}
          />
        );
      case "pending":
        return <PendingView message={row.message} />;
      case "failed":
        return <FailedView room={room} failed={row.failed} />;
      default:
        return unreachable(row);
    }
  }
}

function isSame(one: Row, other: Row): boolean {
  if (one.type === "message" && other.type === "message") {
    const { message, isFirst, isLast } = one;
    return message === other.message && isFirst === other.isFirst && isLast === other.isLast;
  }
  return one.type === "system" && other.type === "system" && one.message === other.message;
}
