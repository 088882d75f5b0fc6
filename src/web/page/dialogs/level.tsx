import { useEffect, useState } from "preact/hooks";
import type { NotificationLevel } from "../../../client/rest.ts";
import { complain } from "../model/notices.ts";
import { momentOf } from "../model/time.ts";
import { useSession } from "../parts/context.ts";

const HOUR_MS = 60 * 60_000;
const LEVELS = {
  all: "Every message",
  mentions: "Mentions only",
  none: "Nothing (muted)",
} as const;
const SPANS = { always: undefined, hour: HOUR_MS, day: 24 * HOUR_MS, week: 7 * 24 * HOUR_MS };
const SPAN_NAMES = { always: "always", hour: "for an hour", day: "for a day", week: "for a week" };

/** Of which messages of a conversation the user is notified, and for how long. */
export function LevelChoice({ id }: { id: string }) {
  const { rest } = useSession();
  const [now, setNow] = useState<NotificationLevel>();
  useEffect(() => {
    rest.notificationLevel(id).then(setNow, complain);
  }, [id]);
  if (!now) return null;
  const choose = (level: NotificationLevel["level"], span: keyof typeof SPANS) => {
    const lasts = SPANS[span];
    const until = lasts === undefined ? null : new Date(Date.now() + lasts).toISOString();
    const chosen = level === now.default ? "default" : level;
    rest
      .setNotificationLevel(id, chosen === "default" ? { level: chosen } : { level: chosen, until })
      .then(setNow, (error: unknown) => {
        // The fields show again what holds.
        setNow({ ...now });
        complain(error);
      });
  };
  return (
    <fieldset class="times section">
      <legend class="visually-hidden">Notifications</legend>
      <label class="field">
        Notify me of
        <select
          value={now.level}
          onChange={({ currentTarget }) => {
            if (isKey(LEVELS, currentTarget.value)) choose(currentTarget.value, "always");
          }}
        >
          {keysOf(LEVELS).map((level) => (
            <option key={level} value={level}>
              {LEVELS[level] + (level === now.default ? " (default)" : "")}
            </option>
          ))}
        </select>
      </label>
      {now.level !== now.default && (
        <label class="field">
          How long
          <select
            value={now.until === null ? "always" : "until"}
            onChange={({ currentTarget }) => {
              if (isKey(SPANS, currentTarget.value)) choose(now.level, currentTarget.value);
            }}
          >
            {now.until !== null && (
              <option value="until">until {momentOf(new Date(now.until))}</option>
            )}
            {keysOf(SPANS).map((span) => (
              <option key={span} value={span}>
                {SPAN_NAMES[span]}
              </option>
            ))}
          </select>
        </label>
      )}
    </fieldset>
  );
}

function isKey<Keys extends object>(all: Keys, value: string): value is keyof Keys & string {
  return Object.hasOwn(all, value);
}

function keysOf<Keys extends object>(all: Keys): (keyof Keys & string)[] {
  return Object.keys(all).filter((key) => isKey(all, key));
}
