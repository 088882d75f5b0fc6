import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import type { TestProject } from "vitest/node";

/**
 * Host applications that receive notification webhooks, on loopback, as a real server outside the Worker's
 * runtime. Each test has its own, by a path; it says how requests are answered, and reads what came. What
 * arrives is verified by the unmodified `standardwebhooks`.
 */

/** What a host does with a request. */
export type Behaviour =
  | { status: number; headers?: Record<string, string>; body?: string }
  | "hang"
  | "reset";

export interface Arrived {
  /** The id and the type of one that was accepted by the verification. */
  headers: Record<string, string>;
  raw: string;
  /** By secret, in the order in which they were given: whether a receiver who knows only it accepts. */
  verified: boolean[];
  answered: Behaviour;
}

interface Host {
  secrets: string[];
  /** In order; the last one stays. */
  behaviours: Behaviour[];
  arrived: Arrived[];
}

declare module "vitest" {
  interface ProvidedContext {
    hosts: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const hosts = new Map<string, Host>();
  const hanging = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    void textOf(request).then((raw) => {
      const [, kind, name = ""] = (request.url ?? "").split("/");
      const host = hosts.get(name) ?? { secrets: [], behaviours: [{ status: 204 }], arrived: [] };
      hosts.set(name, host);
      if (kind === "control") {
        if (request.method === "PUT") Object.assign(host, JSON.parse(raw));
        response.end(JSON.stringify(host.arrived));
        return;
      }
      const behaviour = host.behaviours[0] ?? { status: 204 };
      if (host.behaviours.length > 1) host.behaviours.shift();
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([key, value]) => [key, String(value)]),
      );
      const verified = host.secrets.map((secret) => isVerified(secret, raw, headers));
      host.arrived.push({ headers, raw, verified, answered: behaviour });
      if (behaviour === "hang") hanging.add(response);
      else if (behaviour === "reset") request.socket.destroy();
      else response.writeHead(behaviour.status, behaviour.headers).end(behaviour.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  project.provide("hosts", `http://127.0.0.1:${port}`);
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
}

function isVerified(secret: string, raw: string, headers: Record<string, string>): boolean {
  try {
    new Webhook(secret).verify(raw, headers);
    return true;
  } catch {
    return false;
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
