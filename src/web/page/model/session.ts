import { effect, signal } from "@preact/signals";
import type { ConversationEvent } from "../../../client/event.ts";
import { Parley } from "../../../client/parley.ts";
import type { Rest } from "../../../client/rest.ts";
import type { Identity } from "./identity.ts";
import { Inbox } from "./inbox.ts";
import { KeptText } from "./kept-text.ts";
import { hasNetwork, isVisible } from "./network.ts";
import { announce } from "./notices.ts";
import { People } from "./people.ts";
import { Room } from "./room.ts";
import { openId } from "./route.ts";
import { UnsentMessages } from "./unsent.ts";

/** How many of the newest conversations have an open socket, besides the one that is shown. */
const LISTENED_TO = 30;
/** How often the lists are polled for new conversations, which no socket announces. */
const REFRESH_MS = 2_500;
/** How many of these polls skip the lists that seldom change. */
const CHANNELS_EVERY = 4;

/** All state of one signed-in user. */
export class Session {
  readonly me: Identity;
  readonly rest: Rest;
  readonly people: People;
  readonly inbox: Inbox;
  /** The server rejects the token and there is no other one. */
  readonly isOver = signal(false);
  readonly rooms = signal<ReadonlyMap<string, Room>>(new Map());
  private readonly parley: Parley;
  private readonly unsent: UnsentMessages;
  private readonly ends: (() => void)[] = [];
  private round = 0;

  constructor(me: Identity) {
    this.me = me;
    this.parley = new Parley({ url: location.origin, token: me.token });
    this.rest = this.parley.rest;
    this.people = new People(this.rest);
    this.people.learn([me, ...me.suggestions]);
    this.unsent = new UnsentMessages(me.id);
    this.inbox = new Inbox(this);
    const timer = setInterval(() => {
      if (isVisible.peek()) void this.refresh(this.round++ % CHANNELS_EVERY === 0);
    }, REFRESH_MS);
    this.ends.push(
      () => clearInterval(timer),
      effect(() => this.back(hasNetwork.value && isVisible.value)),
      effect(() => {
        this.listen(openId.value, this.inbox.newest(LISTENED_TO));
      }),
    );
  }

  /** The room of a conversation, opened if necessary. */
  room(id: string): Room {
    const known = this.rooms.peek().get(id);
    if (known) return known;
    const room = new Room(
      this.parley.conversation(id),
      {
        unsent: this.unsent,
        kept: new KeptText(this.me.id, id),
        onEvent: (event) => this.heard(id, event),
      },
      this.me.token,
    );
    this.rooms.value = new Map(this.rooms.peek()).set(id, room);
    return room;
  }

  /** Reloads the lists now. */
  refresh(channels = true): Promise<void> {
    return this.inbox.refresh(channels);
  }

  /** Closes all connections and timers. */
  close(): void {
    for (const end of this.ends) end();
    for (const room of this.rooms.peek().values()) room.conversation.close();
  }

  /** The network is available again, or the page has become visible. */
  private back(isBack: boolean): void {
    if (!isBack) return;
    for (const room of this.rooms.peek().values()) room.conversation.wake();
    void this.refresh();
  }

  /** Opens the rooms that need a connection and closes the others. */
  private listen(open: string | undefined, newest: readonly string[]): void {
    const wanted = new Set([...(open ? [open] : []), ...newest]);
    for (const { conversationId } of this.unsent.all) wanted.add(conversationId);
    // The server had closed it and it is listed again: the user was added again.
    const again = newest.filter(
      (id) => this.rooms.peek().get(id)?.conversation.status.state === "closed",
    );
    if (again.length > 0) {
      this.rooms.value = new Map([...this.rooms.peek()].filter(([id]) => !again.includes(id)));
    }
    for (const id of wanted) this.room(id);
    const rooms = new Map(this.rooms.peek());
    for (const [id, room] of rooms) {
      if (wanted.has(id) || room.isBusy) continue;
      room.conversation.close();
      rooms.delete(id);
    }
    if (rooms.size !== this.rooms.peek().size) this.rooms.value = rooms;
  }

  private heard(id: string, event: ConversationEvent): void {
    if (event.type === "member") {
      this.people.learn([{ id: event.member.userId, name: event.member.name }]);
    }
    if (event.type === "message" && event.message.senderId !== null) {
      const { senderId, content } = event.message;
      this.people.want([senderId]);
      if (event.cause === "created" && senderId !== this.me.id && id === openId.peek()) {
        announce(`${this.people.nameOf(senderId)}: ${content || "a file"}`);
      }
    }
    // Removed, or no such conversation: the lists show it too.
    if (event.type === "status" && event.state === "closed" && event.code) void this.refresh();
  }
}
