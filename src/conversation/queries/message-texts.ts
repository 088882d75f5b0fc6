import { linkPeriod } from "../../attachments/links.ts";
import { NOBODY_HIDDEN, receiptsShownTo, shownTo } from "../../domain/hides.ts";
import type { Message, Receipt } from "../../domain/message.ts";
import type { WireMessage } from "../../live/events.ts";
import { type LinkTo, wireMessage } from "../../live/wire.ts";
import type { RecentMessages } from "./recent.ts";

/** How one of the APIs shows a message: it depends on these parameters and nothing else. */
export interface MessageForm {
  /** Tells it from the other forms. */
  name: string;
  present(conversationId: string, message: WireMessage, readers: readonly Receipt[]): object;
}

/** The form of the native protocol. */
export const NATIVE_FORM: MessageForm = { name: "native", present: (_, message) => message };

/** Writes a message as JSON; `readers` are those who have read it. */
export type WriteMessage = (message: Message, readers?: readonly Receipt[]) => string;

/** Forms, each with one address of links, whose texts are kept. */
const MAX_KINDS = 4;
/** UTF-16 units of the texts that are kept. */
const MAX_UNITS = 512 * 1024;

interface Text {
  readers: readonly Receipt[];
  text: string;
}

/**
 * Messages as JSON. The texts of messages in memory are kept for as long as these are: a message that
 * changes is another object there. With their links they are written anew every hour.
 */
export class MessageTexts {
  private readonly options: {
    conversationId: string;
    recent: RecentMessages;
    /** Links that begin with an address. */
    linkTo: (address: string) => LinkTo;
    clock: () => number;
  };
  /** By form and address. */
  private kinds = new Map<string, WeakMap<Message, Text>>();
  private units = 0;
  private period = 0;

  constructor(options: MessageTexts["options"]) {
    this.options = options;
  }

  /** Writes messages in a form, with links that begin with an address, for a reader who hides some people. */
  writer(form: MessageForm, address: string, hides = NOBODY_HIDDEN): WriteMessage {
    const write = this.writerForAll(form, address);
    if (hides.size === 0) return write;
    // What is shown otherwise is another message than the one in memory, and not kept.
    return (message, readers = NOBODY) =>
      write(shownTo(message, hides), receiptsShownTo(readers, hides));
  }

  private writerForAll(form: MessageForm, address: string): WriteMessage {
    const { conversationId, recent } = this.options;
    const known = this.textsOf(`${form.name} ${address}`);
    const linkTo = this.options.linkTo(address);
    return (message, readers = NOBODY) => {
      const kept = known.get(message);
      if (kept && areEqual(kept.readers, readers)) return kept.text;
      const wire = wireMessage(conversationId, message, linkTo);
      const text = JSON.stringify(form.present(conversationId, wire, readers));
      if (recent.has(message)) {
        known.set(message, { readers, text });
        this.units += text.length;
      }
      return text;
    };
  }

  private textsOf(kind: string): WeakMap<Message, Text> {
    const period = linkPeriod(this.options.clock());
    const known = this.kinds.get(kind);
    const isFull = this.units > MAX_UNITS || (!known && this.kinds.size === MAX_KINDS);
    if (known && !isFull && period === this.period) return known;
    if (isFull || period !== this.period) {
      this.kinds.clear();
      this.units = 0;
      this.period = period;
    }
    const texts = new WeakMap<Message, Text>();
    this.kinds.set(kind, texts);
    return texts;
  }
}

const NOBODY: readonly Receipt[] = [];

function areEqual(one: readonly Receipt[], other: readonly Receipt[]): boolean {
  if (one === other) return true;
  return (
    one.length === other.length &&
    one.every(({ userId, readAt }, index) => {
      const receipt = other[index];
      return receipt?.userId === userId && receipt.readAt === readAt;
    })
  );
}
