import { effect, signal } from "@preact/signals";
import type { ConversationEvent } from "../../../client/event.ts";
import type { Inbox as LiveInbox } from "../../../client/inbox.ts";
import type { InboxRow } from "../../../client/inbox-received.ts";
import { Parley } from "../../../client/parley.ts";
import type { Rest } from "../../../client/rest.ts";
import type { Staff } from "../../../client/staff.ts";
import { Draft } from "./draft.ts";
import type { Identity } from "./identity.ts";
import { Inbox } from "./inbox.ts";
import { KeptText } from "./kept-text.ts";
import { hasNetwork, isVisible } from "./network.ts";
import { announce, OVER } from "./notices.ts";
import { People } from "./people.ts";
import { Room } from "./room.ts";
import { openId } from "./route.ts";
import { MAX_TIMEOUT_MS } from "./time.ts";
import { UnsentMessages } from "./unsent.ts";

/** All state of one signed-in user. */
export class Session {
  readonly me: Identity;
  readonly rest: Rest;
  readonly staff: Staff;
  readonly people: People;
  readonly inbox: Inbox;
  /** Why the server serves this user no more: it rejects the token and there is no other one, or they are banned. */
  readonly over = signal<string | undefined>(undefined);
  readonly rooms = signal<ReadonlyMap<string, Room>>(new Map());
  private readonly parley: Parley;
  private readonly live: LiveInbox;
  private readonly unsent: UnsentMessages;
  /** Drafts of this page, also of conversations that are not open. */
  private readonly drafts = new Map<string, Draft>();
  private readonly ends: (() => void)[] = [];

  constructor(me: Identity) {
    this.me = me;
    this.parley = new Parley({ url: location.origin, token: me.token });
    this.rest = this.parley.rest;
    this.staff = this.parley.staff;
    this.people = new People(this.rest);
    this.people.learn([me, ...me.suggestions]);
    this.unsent = new UnsentMessages(me.id);
    this.live = this.parley.inbox();
    this.inbox = new Inbox(this, this.live);
    this.live.on("row", ({ row }) => this.reopen(row));
    this.live.connect();
    this.ends.push(
      this.endWith(me.expiresAt),
      effect(() => this.back(hasNetwork.value && isVisible.value)),
      effect(() => this.tidy(openId.value)),
    );
  }

  /** The room of a conversation, opened if necessary. */
  room(id: string): Room {
    const known = this.rooms.peek().get(id);
    if (known) return known;
    const room = new Room(this.parley.conversation(id), {
      unsent: this.unsent,
      draft: this.draftOf(id),
      onEvent: (event) => this.heard(id, event),
    });
    this.rooms.value = new Map(this.rooms.peek()).set(id, room);
    return room;
  }

  /** Has something called when the session is closed. */
  atEnd(end: () => void): void {
    this.ends.push(end);
  }

  /** Closes all connections and timers. */
  close(): void {
    for (const end of this.ends) end();
    this.live.close();
    for (const room of this.rooms.peek().values()) room.conversation.close();
  }

  private draftOf(id: string): Draft {
    const draft = this.drafts.get(id) ?? new Draft(this.me.token, new KeptText(this.me.id, id));
    this.drafts.set(id, draft);
    return draft;
  }

  /** The network is available again, or the page has become visible. */
  private back(isBack: boolean): void {
    if (!isBack) return;
    this.live.wake();
    for (const room of this.rooms.peek().values()) room.conversation.wake();
  }

  /** Ends the session with a token that is not replaced: nothing that the page does would show that it has expired. */
  private endWith(expiresAt: number | undefined): () => void {
    const inMs = (expiresAt ?? Infinity) - Date.now();
    if (inMs > MAX_TIMEOUT_MS) return () => undefined;
    const timer = setTimeout(() => {
      this.over.value = OVER.expired;
    }, inMs);
    return () => clearTimeout(timer);
  }

  /** Opens the conversation that is shown and those with unsent messages; closes the others that are done. */
  private tidy(open: string | undefined): void {
    const wanted = new Set(this.unsent.all.map(({ conversationId }) => conversationId));
    if (open) wanted.add(open);
    for (const id of wanted) this.room(id);
    const rooms = new Map(this.rooms.value);
    for (const [id, room] of rooms) {
      // Tidies again when something is confirmed.
      void room.version.value;
      if (wanted.has(id) || room.isBusy) continue;
      this.inbox.leave(room);
      room.conversation.close();
      rooms.delete(id);
    }
    if (rooms.size !== this.rooms.peek().size) this.rooms.value = rooms;
  }

  /** The server has closed a conversation that is newer in the inbox: the user was added again. */
  private reopen({ conversationId: id, epoch, rev }: InboxRow): void {
    const conversation = this.rooms.peek().get(id)?.conversation;
    if (conversation?.status.state !== "closed") return;
    const { cursor } = conversation;
    const isNewer = cursor.epoch !== epoch || rev > (cursor.rev ?? 0);
    if (!isNewer) return;
    const rooms = new Map(this.rooms.peek());
    rooms.delete(id);
    this.rooms.value = rooms;
  }

  private heard(id: string, event: ConversationEvent): void {
    if (event.type === "member") {
      this.people.learn([{ id: event.member.userId, name: event.member.name }]);
    }
    if (event.type === "message" && event.message.senderId !== null) {
      const { senderId, content, hidden } = event.message;
      this.people.want([senderId]);
      const isNews = event.cause === "created" && senderId !== this.me.id && !hidden;
      if (isNews && id === openId.peek()) {
        announce(`${this.people.nameOf(senderId)}: ${content || "a file"}`);
      }
    }
  }
}
