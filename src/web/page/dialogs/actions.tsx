import { useEffect, useState } from "preact/hooks";
import type { WireMessage } from "../../../client/received.ts";
import { blocksOf } from "../model/blocks.ts";
import { complain } from "../model/notices.ts";
import { mutedUntil, outranks, roleIn } from "../model/rights.ts";
import type { Room } from "../model/room.ts";
import { useSession } from "../parts/context.ts";
import { BlockDialog } from "./blocked.tsx";
import { ConfirmDialog } from "./confirm.tsx";
import { Menu, type MenuItem } from "./menu.tsx";
import { ReportDialog } from "./report.tsx";
import { RestrictDialog } from "./restrict.tsx";

type Step = "menu" | "delete" | "report" | "block" | "mute" | "ban";

interface Props {
  room: Room;
  anchor: HTMLElement;
  onClose: () => void;
}

/** What can be done with a message and about its author. */
export function MessageMenu({ message, ...props }: Props & { message: WireMessage }) {
  return <Actions {...props} userId={message.senderId ?? ""} message={message} />;
}

/** What can be done about a person of a conversation. */
export function PersonMenu(props: Props & { userId: string }) {
  return <Actions {...props} />;
}

function Actions(props: Props & { userId: string; message?: WireMessage }) {
  const { room, userId, anchor, onClose } = props;
  const session = useSession();
  const { rest, me, people } = session;
  const blocks = blocksOf(session);
  const { conversation, id } = room;
  const [step, setStep] = useState<Step>("menu");
  useEffect(() => void blocks.load(), []);
  void room.version.value;
  const name = people.nameOf(userId);
  const member = conversation.members.get(userId);
  const isMember = member?.leftAt === null;
  const isOwner = room.moderates.value && roleIn(conversation) === "owner";
  const isMuted = mutedUntil(member) !== undefined;
  // A person is reported by what they wrote last.
  const reported =
    props.message ??
    conversation.messages.findLast((one) => one.senderId === userId && one.deletedAt === null);
  const items: MenuItem[] = [];
  const offer = (label: string, onPick: () => void, isHarsh = false) => {
    items.push({ label, isHarsh, onPick });
  };
  const to = (next: Step) => () => setStep(next);
  const run = (work: () => Promise<unknown>) => () => {
    work().catch(complain);
    onClose();
  };
  if (props.message && room.moderates.value) {
    const { message } = props;
    if (conversation.info?.pins?.includes(message.id)) {
      offer(
        "Unpin",
        run(() => rest.unpin(id, message.id)),
      );
    } else
      offer(
        "Pin",
        run(() => rest.pin(id, message.id)),
      );
    if (userId !== me.id) offer("Delete for everybody…", to("delete"), true);
  }
  if (!props.message && isMember && userId !== me.id && isOwner) {
    if (member.role === "moderator") {
      offer(
        "No longer a moderator",
        run(() => rest.demote(id, userId)),
      );
    } else
      offer(
        "Make a moderator",
        run(() => rest.promote(id, userId)),
      );
  }
  if (outranks(conversation, member)) {
    if (isMuted)
      offer(
        `Unmute ${name}`,
        run(() => rest.unmute(id, userId)),
      );
    else if (isMember) offer(`Mute ${name}…`, to("mute"));
    offer(`Ban ${name}…`, to("ban"), true);
  }
  if (userId !== me.id) {
    if (reported) offer("Report…", to("report"));
    if (blocks.has(userId))
      offer(
        `Unblock ${name}`,
        run(() => blocks.unblock(userId, name)),
      );
    else offer(`Block ${name}…`, to("block"), true);
  }
  switch (step) {
    case "menu":
      return <Menu label={name} items={items} anchor={anchor} onClose={onClose} />;
    case "delete":
      return (
        <ConfirmDialog
          title="Delete this message?"
          text="It is deleted for everybody. Its author sees that a moderator did it."
          action="Delete"
          onConfirm={() =>
            reported && room.changes.add(reported.id, conversation.delete(reported.id))
          }
          onClose={onClose}
        />
      );
    case "report":
      if (!reported) return null;
      return (
        <ReportDialog
          message={reported}
          name={name}
          onBlock={() => setStep("block")}
          onClose={onClose}
        />
      );
    case "block":
      return <BlockDialog userId={userId} name={name} onClose={onClose} />;
    case "mute":
    case "ban":
      return (
        <RestrictDialog
          kind={step}
          conversationId={id}
          userId={userId}
          name={name}
          onClose={onClose}
        />
      );
  }
}
