import type { Case } from "../case.ts";
import { Crowd } from "../crowd.ts";
import { contentOf, type Dialect, gateway, parley } from "../dialects.ts";
import { parleyGroup, type Subject, webSocketUrl } from "../subjects.ts";

const BYTES = 100;

/** The size of the frame in which a message alone reaches another client than its sender's. */
export async function frames(parleys: Record<string, Subject>): Promise<Case[]> {
  const measures: Case["measures"] = {};
  for (const [name, subject] of Object.entries(parleys)) {
    const { conversationId, tokens } = await parleyGroup(subject, 3);
    const [token = ""] = tokens;
    const native = webSocketUrl(subject, `/live/${conversationId}`);
    measures[name] = await sizes(native, parley(token));
    const socketIo = webSocketUrl(subject, "/socket.io/?EIO=4&transport=websocket");
    measures[`${name}, through Socket.IO gateways`] = await sizes(
      socketIo,
      gateway(token, conversationId),
    );
  }
  return [
    {
      name: `the frame of a message of ${BYTES} bytes`,
      quantities: { size: { unit: "bytes", goals: [] } },
      measures,
      rounds: 1,
    },
  ];
}

async function sizes(url: string, dialect: Dialect): Promise<() => Promise<{ size: number }>> {
  let size = Infinity;
  const watched: Dialect = {
    ...dialect,
    send: (id) => dialect.send(id).replace(contentOf(id), contentOf(id).padEnd(BYTES, ".")),
    count: (frame) => {
      const count = dialect.count(frame);
      // The sender's frame has the acknowledgement as well: the other's is smaller.
      if (count > 0) size = Math.min(size, Buffer.byteLength(frame));
      return count;
    },
  };
  const crowd = await Crowd.gather(url, [watched, watched], 1);
  return async () => {
    await crowd.one();
    return { size };
  };
}
