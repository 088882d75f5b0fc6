import type { Case } from "../case.ts";
import { Crowd } from "../crowd.ts";
import { gateway, parley } from "../dialects.ts";
import { processorMs } from "../processor.ts";
import { parleyGroup, type Subject, webSocketUrl } from "../subjects.ts";

const STRETCH_MS = 1_500;
const RECEIVERS = 20;

/** The cost of a delivery through a gateway compared with one over a conversation's own socket. */
export async function gateways(subject: Subject): Promise<Case[]> {
  const native = await parleyGroup(subject, RECEIVERS);
  const foreign = await parleyGroup(subject, RECEIVERS);
  const crowds = {
    "native sockets": await Crowd.gather(
      webSocketUrl(subject, `/live/${native.conversationId}`),
      native.tokens.map(parley),
      1,
    ),
    "through Socket.IO gateways": await Crowd.gather(
      webSocketUrl(subject, "/socket.io/?EIO=4&transport=websocket"),
      foreign.tokens.map((token) => gateway(token, foreign.conversationId)),
      1,
    ),
  };
  const measures = Object.fromEntries(
    Object.entries(crowds).map(([name, crowd]) => [
      name,
      async () => {
        const before = processorMs(subject.program);
        const { deliveries } = await crowd.load(32, STRETCH_MS);
        return ((processorMs(subject.program) - before) * 1_000) / deliveries;
      },
    ]),
  );
  return [
    {
      name: "processor time per delivered message, 32 in flight, 20 receivers",
      unit: "µs",
      measures,
      goals: [],
    },
  ];
}
