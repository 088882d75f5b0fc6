import { useEffect, useState } from "preact/hooks";
import type { Ban } from "../../../client/rest.ts";
import { complain } from "../model/notices.ts";
import type { Room } from "../model/room.ts";
import { momentOf } from "../model/time.ts";
import { Avatar } from "../parts/avatar.tsx";
import { useSession } from "../parts/context.ts";

/** Who is banned, for moderators, to lift it. Nothing is shown where nobody is. */
export function BanList({ room, memberCount }: { room: Room; memberCount: number }) {
  const { rest } = useSession();
  const [bans, setBans] = useState<readonly Ban[]>([]);
  const load = () => rest.bans(room.id).then(setBans, complain);
  // A ban removes a member.
  useEffect(() => void load(), [room.id, memberCount]);
  if (bans.length === 0) return null;
  return (
    <section class="section">
      <h3>Banned</h3>
      <ul class="people" aria-label="Banned people">
        {bans.map(({ userId, name, expiresAt, reason }) => (
          <li key={userId} class="member">
            <Avatar id={userId} name={name ?? userId} size="small" />
            <span>
              {name ?? userId}
              <span class="faint block">
                {expiresAt === null ? "For good" : `Until ${momentOf(new Date(expiresAt))}`}
                {reason && `: ${reason}`}
              </span>
            </span>
            <button
              type="button"
              aria-label={`Lift the ban of ${name ?? userId}`}
              onClick={() => void rest.unban(room.id, userId).then(load, complain)}
            >
              Lift
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
