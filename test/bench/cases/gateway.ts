import type { Case } from "../case.ts";
import { Crowd } from "../crowd.ts";
import { gateway, parley } from "../dialects.ts";
import { rateAndCost } from "../processor.ts";
import { parleyGroup, type Subject, webSocketUrl } from "../subjects.ts";

const STRETCH_MS = 1_200;
const RECEIVERS = 20;

/** The cost of a delivery through a gateway compared with one over a conversation's own socket. */
export async function gateways(parleys: Record<string, Subject>): Promise<Case[]> {
  const through: Case["measures"] = {};
  const native: Case["measures"] = {};
  const load = (subject: Subject, crowd: Crowd) => () =>
    rateAndCost(subject.program, async () => {
      const { deliveries, ms } = await crowd.load(32, STRETCH_MS);
      return { count: deliveries, ms };
    });
  for (const [name, subject] of Object.entries(parleys)) {
    const own = await parleyGroup(subject, RECEIVERS);
    native[`${name}, native sockets`] = load(
      subject,
      await Crowd.gather(
        webSocketUrl(subject, `/live/${own.conversationId}`),
        own.tokens.map(parley),
        1,
      ),
    );
    const { conversationId, tokens } = await parleyGroup(subject, RECEIVERS);
    through[name] = load(
      subject,
      await Crowd.gather(
        webSocketUrl(subject, "/socket.io/?EIO=4&transport=websocket"),
        tokens.map((token) => gateway(token, conversationId)),
        1,
      ),
    );
  }
  return [
    {
      name: "through Socket.IO gateways, 32 in flight, 20 receivers",
      quantities: {
        processor: { unit: "µs per delivery", goals: [{ of: "parley", atMost: 60 }] },
      },
      measures: { ...through, ...native },
    },
  ];
}
