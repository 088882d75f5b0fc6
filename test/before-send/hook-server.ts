import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Webhook } from "standardwebhooks";
import type { TestProject } from "vitest/node";

/**
 * Before-send hooks on loopback, as a real server outside the Worker's runtime. Each test has its own, by a
 * path; it says how questions are answered, by a text in them, and reads what came. What arrives is verified by
 * the unmodified `standardwebhooks`.
 */

/** What a hook does with a question. `hold`: it waits until the test releases it. */
export type Behaviour =
  | { status: number; headers?: Record<string, string>; body?: string }
  | "hold"
  | "reset"
  | "endless";

export interface Rule {
  /** In the question; the first rule that fits counts. */
  text: string;
  behaviour: Behaviour;
}

export interface Asked {
  headers: Record<string, string>;
  raw: string;
  /** By secret: whether a receiver who knows only it accepts. */
  verified: boolean[];
}

interface Hook {
  secrets: string[];
  rules: Rule[];
  asked: Asked[];
  held: { raw: string; response: ServerResponse }[];
}

declare module "vitest" {
  interface ProvidedContext {
    hooks: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const hooks = new Map<string, Hook>();
  const server = createServer((request, response) => {
    void textOf(request).then((raw) => {
      const [, kind, name = ""] = (request.url ?? "").split("/");
      const hook = hooks.get(name) ?? { secrets: [], rules: [], asked: [], held: [] };
      hooks.set(name, hook);
      if (kind === "control") {
        if (request.method === "PUT") Object.assign(hook, JSON.parse(raw));
        if (request.method === "POST") release(hook, JSON.parse(raw));
        response.end(JSON.stringify(hook.asked));
        return;
      }
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([key, value]) => [key, String(value)]),
      );
      const verified = hook.secrets.map((secret) => isVerified(secret, raw, headers));
      hook.asked.push({ headers, raw, verified });
      const rule = hook.rules.find(({ text }) => raw.includes(text));
      const behaviour = rule?.behaviour ?? { status: 200, body: '{"action":"allow"}' };
      if (behaviour === "hold") hook.held.push({ raw, response });
      else answer(request, response, behaviour);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  project.provide("hooks", `http://127.0.0.1:${port}`);
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
}

/** Answers the held questions that have a text in them. */
function release(hook: Hook, { text, body }: { text: string; body: string }): void {
  for (const { raw, response } of hook.held) if (raw.includes(text)) response.end(body);
  hook.held = hook.held.filter(({ raw }) => !raw.includes(text));
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  behaviour: Exclude<Behaviour, "hold">,
): void {
  if (behaviour === "reset") request.socket.destroy();
  else if (behaviour === "endless") {
    const write = () => {
      if (!response.destroyed) response.write(" ".repeat(16_384), write);
    };
    write();
  } else response.writeHead(behaviour.status, behaviour.headers).end(behaviour.body);
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
