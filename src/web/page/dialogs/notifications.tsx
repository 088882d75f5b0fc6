import { useEffect, useState } from "preact/hooks";
import type { NotificationSettings } from "../../../client/rest.ts";
import { announce, complain, notice } from "../model/notices.ts";
import { notifiesBy } from "../model/turned-on.ts";
import { notificationsOf, type Standing } from "../notifications/notifications.ts";
import { useSession } from "../parts/context.ts";
import { Dialog } from "./dialog.tsx";

const TEXTS: Record<Standing, string> = {
  unsupported:
    "This browser cannot show notifications here. On an iPhone or iPad, add this page to the home screen first.",
  blocked: "Notifications of this page are blocked. Allow them in the settings of your browser.",
  off: "Be notified of new messages when this page is closed.",
  on: "You are notified of new messages when this page is closed.",
};
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Notifications in this browser, and how the user is notified everywhere. */
export function NotificationsDialog({ onClose }: { onClose: () => void }) {
  const { rest } = useSession();
  const [settings, setSettings] = useState<NotificationSettings>();
  useEffect(() => {
    rest.notificationSettings().then(setSettings, complain);
  }, []);
  return (
    <Dialog title="Notifications" onClose={onClose}>
      {notifiesBy === "push" && <ThisBrowser />}
      {settings && <Settings settings={settings} onSaved={onClose} />}
    </Dialog>
  );
}

function ThisBrowser() {
  const session = useSession();
  const notifications = notificationsOf(session);
  const [key, setKey] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    session.rest.pushKey().then(setKey, complain);
  }, []);
  const standing = notifications.standing.value;
  const run = (work: Promise<void>) => {
    setBusy(true);
    work.catch(complainOfPush).finally(() => setBusy(false));
  };
  if (!key) return null;
  return (
    <div class="row">
      <p>{TEXTS[standing]}</p>
      {standing === "off" && (
        <button
          type="button"
          class="primary"
          disabled={isBusy}
          onClick={() => run(notifications.turnOn(key))}
        >
          Turn on
        </button>
      )}
      {standing === "on" && (
        <button type="button" disabled={isBusy} onClick={() => run(notifications.turnOff())}>
          Turn off
        </button>
      )}
    </div>
  );
}

/** Browsers without a push service, or without a way to it, refuse by an exception of the browser. */
function complainOfPush(error: unknown): void {
  if (error instanceof DOMException) {
    notice.value = "The browser's push service refused, or could not be reached.";
  } else complain(error);
}

function Settings(props: { settings: NotificationSettings; onSaved: () => void }) {
  const { rest } = useSession();
  const { doNotDisturb } = props.settings;
  const [preview, setPreview] = useState(props.settings.preview);
  const [isQuiet, setQuiet] = useState(doNotDisturb !== null);
  const [from, setFrom] = useState(doNotDisturb?.from ?? "22:00");
  const [to, setTo] = useState(doNotDisturb?.to ?? "07:00");
  const isEmpty = isQuiet && from === to;
  const save = (event: Event) => {
    event.preventDefault();
    rest
      .setNotificationSettings({
        preview,
        doNotDisturb: isQuiet ? { from, to, timeZone: ZONE } : null,
      })
      .then(() => {
        announce("Saved");
        props.onSaved();
      }, complain);
  };
  return (
    <form class="stack section" onSubmit={save}>
      <label class="check">
        <input
          type="checkbox"
          checked={preview}
          onChange={({ currentTarget }) => setPreview(currentTarget.checked)}
        />
        Show who wrote, and what
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={isQuiet}
          onChange={({ currentTarget }) => setQuiet(currentTarget.checked)}
        />
        Do not disturb every day
      </label>
      {isQuiet && (
        <fieldset class="times">
          <legend class="faint">{hoursIn(doNotDisturb?.timeZone)}</legend>
          <Time label="From" value={from} onChange={setFrom} />
          <Time label="To" value={to} onChange={setTo} />
        </fieldset>
      )}
      <p class="problem" role="alert">
        {isEmpty ? "From and to are the same." : ""}
      </p>
      <div class="buttons">
        <button type="submit" class="primary" disabled={isEmpty}>
          Save
        </button>
      </div>
    </form>
  );
}

/** Which time zone the hours are in, and will be once they are saved. */
function hoursIn(zone = ZONE): string {
  return `Hours in ${zone}${zone === ZONE ? "" : `, in ${ZONE} once you save them`}`;
}

function Time(props: { label: string; value: string; onChange: (value: string) => void }) {
  return (
    <label class="field">
      {props.label}
      <input
        type="time"
        required
        value={props.value}
        onInput={({ currentTarget }) => props.onChange(currentTarget.value)}
      />
    </label>
  );
}
