import { useEffect, useState } from "preact/hooks";
import type { Someone } from "../model/identity.ts";
import { complain } from "../model/notices.ts";
import { Avatar } from "../parts/avatar.tsx";
import { useSession } from "../parts/context.ts";
import { Icon } from "../parts/icon.tsx";

/** Pause in typing before the server is searched. */
const PAUSE_MS = 200;

interface Props {
  /** People who cannot be picked. */
  without?: ReadonlySet<string>;
  picked: readonly Someone[];
  onToggle: (someone: Someone) => void;
}

/** Search by name prefix; without input, recently seen people. */
export function PeoplePicker({ without, picked, onToggle }: Props) {
  const { me, people, rest } = useSession();
  const [sought, setSought] = useState("");
  const [found, setFound] = useState<readonly Someone[]>();
  useEffect(() => {
    const q = sought.trim();
    if (q === "") {
      setFound(undefined);
      return;
    }
    let isCurrent = true;
    const timer = setTimeout(() => {
      rest.people({ q }).then((answer) => {
        people.learn(answer);
        if (isCurrent) setFound(answer.map(({ id, name }) => ({ id, name: name ?? id })));
      }, complain);
    }, PAUSE_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [sought]);
  const seen = [...people.known.value].map(([id, name]) => ({ id, name }));
  const shown = (found ?? seen.slice(0, 20)).filter(({ id }) => id !== me.id && !without?.has(id));
  const isPicked = (id: string) => picked.some((one) => one.id === id);
  return (
    <>
      <div class="search">
        <Icon name="search" />
        <input
          type="search"
          placeholder="Part of a name"
          aria-label="Find people"
          value={sought}
          onInput={({ currentTarget }) => setSought(currentTarget.value)}
        />
      </div>
      <ul class="people" aria-label="People">
        {shown.map((one) => (
          <li key={one.id}>
            <button
              type="button"
              class="person"
              aria-pressed={isPicked(one.id)}
              onClick={() => onToggle(one)}
            >
              <Avatar id={one.id} name={one.name} size="small" />
              <span>{one.name}</span>
              {isPicked(one.id) && <Icon name="check" />}
            </button>
          </li>
        ))}
      </ul>
      {shown.length === 0 && (
        <p class="empty">{found ? "Nobody here has that name." : "Who is it? Type a name."}</p>
      )}
    </>
  );
}
