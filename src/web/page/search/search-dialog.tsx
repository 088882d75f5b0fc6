import { useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Dialog } from "../dialogs/dialog.tsx";
import { complain } from "../model/notices.ts";
import { open, openId } from "../model/route.ts";
import { searching } from "../model/searching.ts";
import { useSession } from "../parts/context.ts";
import { Icon } from "../parts/icon.tsx";
import { reveal } from "../parts/moving.ts";
import { OptionContent } from "./option-row.tsx";
import { besides, groupsOf, type Option } from "./options.ts";
import { type Found, SearchState } from "./search-state.ts";
import { sentencesOf } from "./searched.ts";

/** The search over people, conversations and messages, with results as one types. */
export function SearchDialog({ onClose }: { onClose: () => void }) {
  const session = useSession();
  const here = openId.value;
  const [isHere, setHere] = useState(searching.peek() === "here");
  const [text, setText] = useState("");
  const [picked, setPicked] = useState<string>();
  const search = useMemo(() => new SearchState(session.rest), []);
  const isOpen = useRef(true);
  useEffect(() => {
    return () => {
      isOpen.current = false;
      search.close();
    };
  }, []);
  const found = search.found.value;
  useEffect(() => {
    session.people.learn(found.people);
    session.people.want(found.hits.flatMap(({ message }) => message.senderId ?? []));
  }, [found.people, found.hits]);
  const seek = (sought: string, onlyHere: boolean) => {
    setText(sought);
    setHere(onlyHere);
    setPicked(undefined);
    search.seek(sought, onlyHere ? here : undefined);
  };

  const groups = groupsOf({
    ...{ text, isHere, found, me: session.me.id },
    entries: session.inbox.entries.value,
  });
  const options = groups.flatMap((group) => group.options);
  // Enter joins no channel that was not chosen.
  const active =
    options.find(({ key }) => key === picked) ?? options.find(({ type }) => type !== "channel");
  const go = async (option: Option) => {
    switch (option.type) {
      case "more":
        search.more();
        return undefined;
      case "conversation":
        return option.entry.id;
      case "message":
        return option.hit.conversationId;
      case "person":
        return (await session.rest.direct(option.id)).conversationId;
      case "channel": {
        const { channelId } = option.channel;
        if (!session.inbox.has(channelId)) await session.rest.joinChannel(channelId);
        return channelId;
      }
    }
  };
  const pick = (option: Option) => {
    go(option).then((id) => {
      // Whoever closes it while a choice is carried out stays where they are.
      if (id === undefined || !isOpen.current) return;
      onClose();
      open(id);
      if (option.type === "message") reveal(session.room(id), option.hit.message.messageId);
    }, complain);
  };

  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const listId = useId();
  const idOf = ({ key }: Option) => `${listId}-${key}`;
  useLayoutEffect(() => {
    if (!active) return;
    document.getElementById(idOf(active))?.scrollIntoView({ block: "nearest" });
    // What is found later, and shown above, is not what Enter takes.
    setPicked(active.key);
  }, [active?.key]);
  const press = (event: KeyboardEvent) => {
    const { key, isComposing } = event;
    if (isComposing || options.length === 0) return;
    if (key === "Enter") active && pick(active);
    else if (key === "ArrowDown") setPicked(besides(options, active, 1)?.key);
    else if (key === "ArrowUp") setPicked(besides(options, active, -1)?.key);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title="Search" onClose={onClose}>
      <div class="search">
        <Icon name="search" />
        <input
          ref={field}
          type="text"
          role="combobox"
          inputMode="search"
          enterKeyHint="go"
          autocomplete="off"
          spellcheck={false}
          dir="auto"
          placeholder="People, conversations, messages"
          aria-label="Search for"
          aria-autocomplete="list"
          aria-expanded={options.length > 0}
          aria-controls={listId}
          aria-activedescendant={active && idOf(active)}
          value={text}
          onInput={({ currentTarget }) => seek(currentTarget.value, isHere)}
          onKeyDown={press}
        />
      </div>
      {here !== undefined && (
        <label class="check">
          <input
            type="checkbox"
            checked={isHere}
            onChange={({ currentTarget }) => seek(text, currentTarget.checked)}
          />
          Only in this conversation
        </label>
      )}
      <div class="found">
        {options.length > 0 && (
          <div id={listId} role="listbox" aria-label="Results" class="found-list">
            {groups.map(({ label, options: inGroup }) => (
              <fieldset key={label} aria-label={label}>
                <p class="found-label" aria-hidden="true">
                  {label}
                </p>
                {inGroup.map((option) => (
                  <button
                    key={option.key}
                    id={idOf(option)}
                    type="button"
                    role="option"
                    tabIndex={-1}
                    class="found-row"
                    aria-selected={option.key === active?.key}
                    // The focus stays in the field.
                    onMouseDown={(event) => event.preventDefault()}
                    onClick={() => pick(option)}
                  >
                    <OptionContent option={option} />
                  </button>
                ))}
              </fieldset>
            ))}
          </div>
        )}
      </div>
      <p class="hint found-state" role="status">
        {text.trim() === "" ? HINT : stateOf(found)}
      </p>
    </Dialog>
  );
}

const HINT =
  'Also: "a phrase", -without, from:name, in:title, has:file, mentions:me, after:2026-01-31';

function stateOf({ hits, searched, waiting, held, problem }: Found): string {
  if (held > 0) return "Many searches within a minute: this one waits a moment.";
  if (waiting > 0) return "Searching…";
  const sentences = searched ? [sentencesOf(hits.length, searched)] : [];
  return (problem === undefined ? sentences : [problem, ...sentences]).join(" ");
}
