import { vi } from "vitest";
import type { ConversationStub } from "../../src/conversation/api.ts";
import { Conversation } from "../../src/conversation/object.ts";
import { get, type Hub } from "../gateway/line.ts";
import type { Caller } from "../support.ts";

/** Helpers to record the calls of gateways to conversations, and clients that exceed limits. */

type Name = Exclude<keyof ConversationStub, "fetch">;

const NAMES: Name[] = ["submit", "submitAll", "subscribe", "unsubscribe", "eventsSince", "typing"];

/** The names of all calls to conversations from now on, until mocks are restored. */
export function callsOf(...conversationIds: string[]): Name[] {
  const calls: Name[] = [];
  for (const name of NAMES) {
    // biome-ignore lint/suspicious/noExplicitAny: whichever method it is
    const prototype = Conversation.prototype as any;
    const original = prototype[name];
    if (!original) continue;
    vi.spyOn(prototype, name).mockImplementation(function (this: unknown, ...parameters) {
      // biome-ignore lint/suspicious/noExplicitAny: which object it is
      if (conversationIds.includes((this as any).ctx.id.name)) calls.push(name);
      return original.apply(this, parameters);
    });
  }
  return calls;
}

/** How often any of these calls was made. */
export const count = (calls: readonly string[], ...names: Name[]) =>
  calls.filter((name) => names.some((one) => one === name)).length;

const RS = "\x1e";

/** Invocations of hub methods as one frame. */
export function frameOf(calls: [target: string, ...args: unknown[]][]): string {
  return calls
    .map(([target, ...args], i) => {
      const call = { type: 1, target, arguments: args, invocationId: `frame-${i}` };
      return JSON.stringify(call) + RS;
    })
    .join("");
}

/** The completions of a frame's invocations. */
export const completions = (hub: Hub) =>
  hub.messages().filter(({ invocationId }) => String(invocationId).startsWith("frame-"));

const POLLING = "/socket.io/?EIO=4&transport=polling";

/** An authenticated Socket.IO connection over long polling. */
export class Polled {
  readonly sid: string;

  private constructor(sid: string) {
    this.sid = sid;
  }

  static async open(): Promise<Polled> {
    const text = await (await get(POLLING)).text();
    return new Polled(JSON.parse(text.slice(1)).sid);
  }

  static async connect({ token }: Pick<Caller, "token">): Promise<Polled> {
    const one = await Polled.open();
    await one.post(`40${JSON.stringify({ token })}`);
    await one.poll();
    return one;
  }

  async post(...packets: string[]): Promise<number> {
    const body = packets.join(RS);
    const path = `${POLLING}&sid=${this.sid}`;
    const response = await get(path, {}, { method: "POST", body });
    await response.text();
    return response.status;
  }

  async poll(): Promise<{ status: number; packets: string[] }> {
    const response = await get(`${POLLING}&sid=${this.sid}`);
    return { status: response.status, packets: (await response.text()).split(RS) };
  }

  /** The packets up to the first matching one. */
  async until(fits: (packet: string) => boolean): Promise<string[]> {
    const heard: string[] = [];
    while (!heard.some(fits)) {
      const { status, packets } = await this.poll();
      if (status !== 200) throw new Error(`the session is over: ${status}`);
      heard.push(...packets);
    }
    return heard;
  }
}
