import { expect, test, vi } from "vitest";
import { Random } from "../random.ts";
import { type Caller, directPair, send } from "../support.ts";
import { get, Hub, Io, type Line } from "./line.ts";

/** Set this to the seed of a failure to repeat it. */
const PINNED: number | undefined = undefined;
const SEED = PINNED ?? crypto.getRandomValues(new Uint32Array(1))[0] ?? 1;
const CONNECTIONS = 120;
/** The maximum of packets for one connection; invalid packets often close it. */
const MAX_PACKETS = 6;

const RS = "\x1e";

/** Generates packets: valid ones of the protocols, damaged ones, and other data. */
class PacketGenerator {
  private readonly dice: Random;
  private readonly known: readonly string[];

  constructor(dice: Random, known: readonly string[]) {
    this.dice = dice;
    this.known = known;
  }

  next(): string | ArrayBuffer {
    const { dice } = this;
    if (dice.chance(0.05)) return new Uint8Array(dice.below(64)).buffer as ArrayBuffer;
    if (dice.chance(0.02)) return "x".repeat(70_000);
    let text = dice.pick(this.known);
    if (dice.chance(0.3)) text = this.damaged(text);
    if (dice.chance(0.1)) text += text;
    return text;
  }

  private damaged(text: string): string {
    const { dice } = this;
    const at = dice.below(text.length + 1);
    const junk = ["", "{", "]", "\u0000", "\ud800", RS, "9", '"', "[".repeat(2_000), "\u{1f986}"];
    return text.slice(0, at) + dice.pick(junk) + text.slice(at + dice.below(4));
  }
}

function value(dice: Random, id: string): unknown {
  const deep = JSON.parse(`${"[".repeat(500)}${"]".repeat(500)}`);
  const odd = [null, -1, 2 ** 60, "", {}, [], true, deep, "x".repeat(5_000), { since: -1 }, id];
  return dice.chance(0.5) ? id : dice.pick(odd);
}

function packetsOf(dice: Random, id: string): string[] {
  const events = ["join-chat-room", "leave-chat-room", "typing-start", "send-message", "mark-read"];
  const named = Array.from({ length: 20 }, () => {
    const body = { chatId: value(dice, id), content: value(dice, id), messageIds: value(dice, id) };
    const args = dice.chance(0.5) ? [body] : [value(dice, id), value(dice, id)];
    return `42${dice.chance(0.5) ? dice.below(99) + 1_000 : ""}${JSON.stringify([dice.pick(events), ...args])}`;
  });
  const others = ["42", "2", "3", "4", "5", "6", "7", "40", "40/admin,", "41", "43[]", '44{"a":1}'];
  return [...named, ...others, '451-["x",{"_placeholder":true,"num":0}]', '451-["x"]', '42["x"]'];
}

function messagesOf(dice: Random, id: string): string[] {
  const targets = ["JoinConversation", "SendMessage", "StartTyping", "MarkAsRead", "AddReaction"];
  const named = Array.from({ length: 20 }, () => {
    const args = Array.from({ length: dice.below(5) }, () => value(dice, id));
    const type = dice.pick([1, 1, 1, 1, 2, 3, 4, 5, 8, 9, 77]);
    const invocationId = dice.pick([undefined, "s", "", 7, null]);
    return JSON.stringify({ type, target: dice.pick(targets), arguments: args, invocationId }) + RS;
  });
  return [...named, `{"type":6}${RS}`, `{"type":7}${RS}`, RS, `[]${RS}`, `null${RS}`];
}

/** Sends packets, and then a request, which must be answered unless the connection is closed. */
async function sendRandom(
  generator: PacketGenerator,
  count: number,
  line: Line,
  ask: () => Promise<unknown>,
): Promise<boolean> {
  for (let i = 0; i < count; i++) line.say(generator.next());
  return Promise.race([ask().then(() => true), line.closed.then(() => false)]);
}

test.each([
  ["Socket.IO", packetsOf, (caller: Caller) => Io.connect(caller)],
  ["SignalR", messagesOf, (caller: Caller) => Hub.connect(caller)],
] as const)(
  `%s: random packets are answered, or close the connection (seed ${SEED})`,
  { timeout: 120_000 },
  async (_, known, connect) => {
    const logged = vi.spyOn(console, "log");
    const dice = new Random(SEED);
    const { alice, bob, conversationId } = await directPair();
    let ended = 0;
    for (let i = 0; i < CONNECTIONS; i++) {
      const one = await connect(alice);
      const generator = new PacketGenerator(dice, known(dice, conversationId));
      if (
        !(await sendRandom(generator, 1 + dice.below(MAX_PACKETS), one.line, () =>
          one.ask("nonsense"),
        ))
      )
        ended++;
      else one.line.socket.close();
    }
    expect(ended, `seed ${SEED}`).toBeGreaterThan(CONNECTIONS / 10);
    expect(ended, `seed ${SEED}`).toBeLessThan(CONNECTIONS);
    const failures = logged.mock.calls.map(String).filter((line) => line.includes("_failed"));
    expect(failures, `seed ${SEED}`).toEqual([]);
    logged.mockRestore();
    // The conversation still works.
    const hub = await Hub.connect(alice);
    expect(await hub.ask("JoinConversation", conversationId)).toHaveProperty("rev");
    await send(bob, conversationId, "still here");
    await hub.line.until(() => hub.all("ReceiveMessage").some((m) => m.content === "still here"));
  },
);

test("long polling: random bodies are accepted or refused, and nothing breaks", async () => {
  const dice = new Random(SEED);
  const { alice, conversationId } = await directPair();
  const path = "/socket.io/?EIO=4&transport=polling";
  for (let i = 0; i < 40; i++) {
    const { sid } = JSON.parse((await (await get(path)).text()).slice(1));
    const post = (body: string | ArrayBuffer) =>
      get(`${path}&sid=${sid}`, {}, { method: "POST", body });
    await post(`40${JSON.stringify({ token: alice.token })}`);
    const generator = new PacketGenerator(dice, packetsOf(dice, conversationId));
    for (let sent = 0; sent < 5; sent++) {
      const { status } = await post(generator.next());
      expect([200, 400, 413], `seed ${SEED}`).toContain(status);
    }
  }
});
