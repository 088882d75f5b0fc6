import type { Room } from "../model/room.ts";
import { useSession } from "./context.ts";

/** A conversation's title for the signed-in user. */
export function useTitle(room: Room) {
  const { me, people, inbox } = useSession();
  const entry = inbox.entries.value.find(({ id }) => id === room.id);
  const { info, members } = room.conversation;
  const kind = info?.kind ?? entry?.kind ?? "group";
  const isDirect = kind === "direct" || kind === "purchase-request";
  const others = [...members.values()].filter(
    ({ userId, leftAt }) => userId !== me.id && leftAt === null,
  );
  const names = others.slice(0, 4).map(({ userId, name }) => name ?? people.nameOf(userId));
  const title = (!isDirect && info?.title) || names.join(", ") || entry?.title || "…";
  const other = isDirect ? (others[0]?.userId ?? entry?.other) : undefined;
  return { title, other, kind: isDirect ? ("direct" as const) : kind };
}
