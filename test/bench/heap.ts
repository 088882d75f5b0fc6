import { WebSocket } from "ws";
import { z } from "zod";

/** The name of the Worker in serve.ts among those of Miniflare. */
const WORKER = "core:user:served";

const targets = z.array(z.object({ id: z.string(), webSocketDebuggerUrl: z.string() }));
const answer = z.object({ id: z.number().optional(), result: z.unknown().optional() });
const usage = z.object({
  usedSize: z.number(),
  embedderHeapUsedSize: z.number(),
  backingStorageSize: z.number(),
});

/** An isolate, through the inspector of its process. */
export class Isolate {
  private readonly socket: WebSocket;
  private readonly waiting = new Map<number, (result: unknown) => void>();
  private lastId = 0;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data) => {
      const { id, result } = answer.parse(JSON.parse(data.toString()));
      if (id === undefined) return;
      this.waiting.get(id)?.(result);
      this.waiting.delete(id);
    });
  }

  /** Connects to the isolate of the Worker and its objects. */
  static async of(inspectorPort: number): Promise<Isolate> {
    const listed = await fetch(`http://127.0.0.1:${inspectorPort}/json`);
    const found = targets.parse(await listed.json()).find(({ id }) => id === WORKER);
    if (!found) throw new Error(`no isolate is named ${WORKER}`);
    const socket = new WebSocket(found.webSocketDebuggerUrl);
    await new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject));
    return new Isolate(socket);
  }

  /** Bytes that it uses after garbage has been collected, buffers included. */
  async heapBytes(): Promise<number> {
    // workerd does not answer `HeapProfiler.collectGarbage`; a snapshot collects before it is taken.
    await this.call("HeapProfiler.takeHeapSnapshot");
    // Until then, every object is tracked for the next snapshot.
    await this.call("HeapProfiler.disable");
    const used = usage.parse(await this.call("Runtime.getHeapUsage"));
    return used.usedSize + used.embedderHeapUsedSize + used.backingStorageSize;
  }

  close(): void {
    this.socket.terminate();
  }

  private call(method: string): Promise<unknown> {
    const id = ++this.lastId;
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      this.socket.send(JSON.stringify({ id, method, params: {} }));
    });
  }
}
