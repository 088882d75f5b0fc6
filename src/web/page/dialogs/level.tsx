import { useEffect, useState } from "preact/hooks";
import type { NotificationLevel } from "../../../client/rest.ts";
import { complain } from "../model/notices.ts";
import { momentOf } from "../model/time.ts";
import { useSession } from "../parts/context.ts";
import { Choice } from "./choice.tsx";
import { endOf, isSpan, SPANS, type Span } from "./span.ts";

const LEVELS = {
  all: "Every message",
  mentions: "Mentions only",
  none: "Nothing (muted)",
} as const;
const { month: _, ...SHORT_SPANS } = SPANS;

/** What is below does not move when the answer arrives. */
const Loading = () => (
  <div class="times section" inert>
    <Choice label="…" names={{ loading: "…" }} value="loading" onChange={() => undefined} />
  </div>
);

/** Of which messages of a conversation the user is notified, and for how long. */
export function LevelChoice({ id }: { id: string }) {
  const { rest } = useSession();
  const [now, setNow] = useState<NotificationLevel>();
  useEffect(() => {
    rest.notificationLevel(id).then(setNow, complain);
  }, [id]);
  if (!now) return <Loading />;
  const choose = (level: NotificationLevel["level"], span: Span) => {
    const chosen = level === now.default ? "default" : level;
    rest
      .setNotificationLevel(
        id,
        chosen === "default" ? { level: chosen } : { level: chosen, until: endOf(span) },
      )
      .then(setNow, (error: unknown) => {
        // The fields show again what holds.
        setNow({ ...now });
        complain(error);
      });
  };
  const names = { ...LEVELS, [now.default]: `${LEVELS[now.default]} (default)` };
  return (
    <fieldset class="times section">
      <legend class="visually-hidden">Notifications</legend>
      <Choice
        label="Notify me of"
        names={names}
        value={now.level}
        onChange={(level) => choose(level, "always")}
      />
      {now.level !== now.default && (
        <Choice
          label="How long"
          names={
            now.until === null
              ? SHORT_SPANS
              : { until: `until ${momentOf(new Date(now.until))}`, ...SHORT_SPANS }
          }
          value={now.until === null ? "always" : "until"}
          onChange={(span: string) => {
            if (isSpan(span)) choose(now.level, span);
          }}
        />
      )}
    </fieldset>
  );
}
