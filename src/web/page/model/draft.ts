import { effect, signal } from "@preact/signals";
import type { WireMessage } from "../../../client/received.ts";
import { MAX_ATTACHMENTS } from "../../../domain/message.ts";
import type { KeptText } from "./kept-text.ts";
import { Upload } from "./upload.ts";

/** What the draft will become: a message, a reply or an edit. */
export type Purpose =
  | { type: "new" }
  | { type: "reply"; to: WireMessage }
  | { type: "edit"; message: WireMessage };

/** The draft of one conversation. */
export class Draft {
  readonly text = signal("");
  readonly purpose = signal<Purpose>({ type: "new" });
  readonly uploads = signal<readonly Upload[]>([]);
  private readonly token: () => Promise<string>;
  /** The text before an edit began. */
  private aside = "";

  constructor(token: () => Promise<string>, kept: KeptText) {
    this.token = token;
    this.text.value = kept.text;
    // During an edit the earlier text stays stored.
    effect(() => {
      const text = this.text.value;
      if (this.purpose.value.type !== "edit") kept.put(text);
    });
  }

  get isEmpty(): boolean {
    return this.text.peek().trim() === "" && this.uploads.peek().length === 0;
  }

  /** Whether there is content to send and all of its files are uploaded. */
  get isReady(): boolean {
    const uploads = this.uploads.value;
    if (this.text.value.trim() === "" && uploads.length === 0) return false;
    return uploads.every(({ state }) => state.value.state === "done");
  }

  reply(to: WireMessage): void {
    this.cancel();
    this.purpose.value = { type: "reply", to };
  }

  edit(message: WireMessage): void {
    this.cancel();
    this.aside = this.text.peek();
    this.purpose.value = { type: "edit", message };
    this.text.value = message.content;
  }

  /** Returns to a new message. */
  cancel(): void {
    if (this.purpose.peek().type === "edit") this.text.value = this.aside;
    this.aside = "";
    this.purpose.value = { type: "new" };
  }

  /** Uploads files up to the limit of one message; returns how many were left out. */
  attach(files: readonly File[]): number {
    const room = MAX_ATTACHMENTS - this.uploads.peek().length;
    const taken = files.slice(0, room).map((file) => new Upload(file, this.token));
    this.uploads.value = [...this.uploads.peek(), ...taken];
    return files.length - taken.length;
  }

  remove(upload: Upload): void {
    upload.discard();
    this.uploads.value = this.uploads.peek().filter((one) => one !== upload);
  }

  /** Takes the message with a new key and clears the draft. */
  taken() {
    if (!this.isReady) return undefined;
    const purpose = this.purpose.peek();
    const attachments = this.uploads.peek().flatMap(({ state }) => {
      const upload = state.peek();
      return upload.state === "done" ? [upload.key] : [];
    });
    const content = this.text.peek().trim();
    for (const upload of this.uploads.peek()) upload.discard();
    this.text.value = "";
    this.uploads.value = [];
    this.purpose.value = { type: "new" };
    return {
      clientMessageId: crypto.randomUUID(),
      ...(content !== "" && { content }),
      ...(purpose.type === "reply" && { replyTo: purpose.to.id }),
      ...(attachments.length > 0 && { attachments }),
    };
  }
}
