import { useEffect, useState } from "preact/hooks";
import type { Channel } from "../../../client/rest.ts";
import { complain } from "../model/notices.ts";
import { open } from "../model/route.ts";
import { Avatar } from "../parts/avatar.tsx";
import { useSession } from "../parts/context.ts";
import { Dialog } from "./dialog.tsx";

/** The public channels to join, and a form to create one. */
export function ChannelsDialog({ onClose }: { onClose: () => void }) {
  const session = useSession();
  const [channels, setChannels] = useState<readonly Channel[]>();
  useEffect(() => {
    session.rest.publicChannels().then(setChannels, complain);
  }, []);
  const go = async (channelId: string, join: boolean) => {
    try {
      if (join) await session.rest.joinChannel(channelId);
      onClose();
      open(channelId);
    } catch (error) {
      complain(error);
    }
  };
  return (
    <Dialog title="Channels" onClose={onClose}>
      <ul class="people" aria-label="Public channels">
        {channels?.map((channel) => {
          const isIn = session.inbox.has(channel.channelId);
          const { channelId, name, memberCount } = channel;
          return (
            <li key={channelId} class="channel">
              <Avatar id={channelId} name={name} size="small" icon="channel" />
              <div>
                <p class="channel-name">{name}</p>
                <p class="faint">
                  {memberCount} {memberCount === 1 ? "member" : "members"}
                  {channel.description ? ` · ${channel.description}` : ""}
                </p>
              </div>
              <button
                type="button"
                aria-label={`${isIn ? "Open" : "Join"} ${name}`}
                onClick={() => void go(channelId, !isIn)}
              >
                {isIn ? "Open" : "Join"}
              </button>
            </li>
          );
        })}
      </ul>
      {channels === undefined && <p class="empty">Loading…</p>}
      {channels?.length === 0 && <p class="empty">There is no public channel yet.</p>}
      <ChannelForm onCreated={(id) => void go(id, false)} />
    </Dialog>
  );
}

function ChannelForm({ onCreated }: { onCreated: (id: string) => void }) {
  const { rest } = useSession();
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [isPublic, setPublic] = useState(true);
  const [isBusy, setBusy] = useState(false);
  const submit = (event: Event) => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    rest.createChannel({ name, description, isPublic }).then(
      ({ channelId }) => onCreated(channelId),
      (error: unknown) => {
        complain(error);
        setBusy(false);
      },
    );
  };
  return (
    <form class="stack new-channel" onSubmit={submit}>
      <h3>Create a channel</h3>
      <label class="field">
        Name
        <input
          required
          minLength={3}
          maxLength={100}
          value={name}
          onInput={({ currentTarget }) => setName(currentTarget.value)}
        />
      </label>
      <label class="field">
        What it is about
        <input
          maxLength={500}
          value={description}
          onInput={({ currentTarget }) => setDescription(currentTarget.value)}
        />
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={isPublic}
          onChange={({ currentTarget }) => setPublic(currentTarget.checked)}
        />
        Anybody may join
      </label>
      <div class="buttons">
        <button type="submit" class="primary" disabled={isBusy}>
          Create channel
        </button>
      </div>
    </form>
  );
}
