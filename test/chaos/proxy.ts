import { connect, createServer, type Server, type Socket } from "node:net";
import type { Random } from "../random.ts";

/** How a connection is cut. */
export type Cut =
  /** Both ends at once. */
  | "clean"
  /** The next chunk from either side is passed on in part, then both ends are closed. */
  | "mid-frame"
  /** The client's end is closed, and the server's end only later. */
  | "ghost";

interface Connection {
  client: Socket;
  server: Socket;
  /** Cut at the next chunk. */
  cutNext: boolean;
}

/** A network between clients and a server, which forwards connections and cuts them. */
export class Network {
  readonly port: number;
  cuts: Record<Cut, number> = { clean: 0, "mid-frame": 0, ghost: 0 };
  /** The server's current port; undefined: connections are refused. */
  target: number | undefined;
  private readonly server: Server;
  private readonly random: Random;
  private readonly lines = new Set<Connection>();

  private constructor(server: Server, port: number, random: Random) {
    this.server = server;
    this.port = port;
    this.random = random;
    server.on("connection", (client) => this.join(client));
  }

  static async open(random: Random): Promise<Network> {
    const server = createServer({ noDelay: true });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    return new Network(server, address.port, random);
  }

  /** Cuts a random connection; false when there is none. */
  cut(how: Cut): boolean {
    const line = this.random.any([...this.lines].filter(({ cutNext }) => !cutNext));
    if (!line) return false;
    this.cuts[how]++;
    switch (how) {
      case "clean":
        this.end(line);
        break;
      case "mid-frame":
        line.cutNext = true;
        break;
      case "ghost":
        line.client.destroy();
        this.lines.delete(line);
        setTimeout(() => line.server.destroy(), this.random.between(500, 4_000));
        break;
    }
    return true;
  }

  /** Cuts all connections at once. */
  cutAll(): void {
    for (const line of [...this.lines]) this.end(line);
  }

  /** Cancels all scheduled cuts. */
  cancelCuts(): void {
    for (const line of this.lines) line.cutNext = false;
  }

  close(): void {
    this.server.close();
    for (const line of this.lines) this.end(line);
  }

  private join(client: Socket): void {
    client.on("error", () => client.destroy());
    if (this.target === undefined) {
      client.destroy();
      return;
    }
    const server = connect({ port: this.target, host: "127.0.0.1", noDelay: true });
    const line: Connection = { client, server, cutNext: false };
    this.lines.add(line);
    server.on("error", () => server.destroy());
    client.on("data", (data) => this.pass(line, data, server));
    server.on("data", (data) => this.pass(line, data, client));
    server.on("close", () => this.end(line));
    client.on("close", () => {
      // The server's end of a ghost stays open.
      if (this.lines.has(line)) this.end(line);
    });
  }

  private pass(line: Connection, data: Buffer, to: Socket): void {
    if (to.destroyed) return;
    if (!line.cutNext) {
      to.write(data);
      return;
    }
    const part = data.subarray(0, this.random.between(0, data.length - 1));
    to.write(part, () => this.end(line));
  }

  private end(line: Connection): void {
    this.lines.delete(line);
    line.client.destroy();
    line.server.destroy();
  }
}
