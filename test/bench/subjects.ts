import { request } from "undici";
import { addressOf, bundled, serve } from "../system/production.ts";
import { Program, temporaryFolder } from "../system/server.ts";
import { signedFor } from "../system/token.ts";
import type { Build } from "./builds.ts";
import { Crowd } from "./crowd.ts";
import { type Dialect, lines, parley, plain, socketIo } from "./dialects.ts";

/** A running server that is measured. */
export interface Subject {
  name: string;
  program: Program;
  address: string;
}

/** Parley with high limits where they would affect the measurement, and defaults otherwise. */
const HIGH = ["--var=MESSAGES_PER_MINUTE_UNIHUB:100000000", "--var=REQUEST_LIMITS:off"];

/** Starts a production bundle of Parley; `options` are those of serve.ts. */
export async function startParley(
  name: string,
  { bundle, config }: Build,
  ...options: string[]
): Promise<Subject> {
  const folder = await temporaryFolder();
  return await started(name, serve(bundle, folder, [`--config=${config}`, ...HIGH, ...options]));
}

/** Starts a process of the Workers with which Parley is compared. */
export async function startPeers(name: string): Promise<Subject> {
  const config = "test/bench/peers/wrangler.toml";
  peersBundle ??= bundled(config);
  const folder = await temporaryFolder();
  return await started(name, serve(await peersBundle, folder, [`--config=${config}`]));
}
let peersBundle: Promise<string> | undefined;

/** Starts the Node server. */
export async function startNode(name: string): Promise<Subject> {
  const args = ["test/bench/node-server.ts", await temporaryFolder()];
  return await started(name, new Program(process.execPath, args));
}

async function started(name: string, program: Program): Promise<Subject> {
  return { name, program, address: await addressOf(program) };
}

/** The same address for sockets. */
export const webSocketUrl = ({ address }: Subject, path: string) =>
  `${address}${path}`.replace("http", "ws");

/** Members of a new group in Parley, with open sockets. */
export async function parleyCrowd(subject: Subject, size: number): Promise<Crowd> {
  const { conversationId, tokens } = await parleyGroup(subject, size);
  const url = webSocketUrl(subject, `/live/${conversationId}`);
  return await Crowd.gather(url, tokens.map(parley), 1);
}

let groups = 0;

/** A new group of `size` people in Parley. */
export async function parleyGroup(
  subject: Subject,
  size: number,
): Promise<{ conversationId: string; tokens: string[] }> {
  const group = ++groups;
  const userIds = Array.from({ length: size }, (_, i) => `g${group}-p${i}`);
  const tokens = await Promise.all(userIds.map((userId) => signedFor(userId)));
  // A user is known after their first request.
  for (const token of tokens) await call(subject, token, "GET", "/api/v1/chat/conversations");
  const made = await call(subject, tokens[0] ?? "", "POST", "/api/v1/chat/conversations/group", {
    title: "Benchmark",
    participantIds: userIds.slice(1),
  });
  return { conversationId: JSON.parse(made).conversationId, tokens };
}

/** The sockets of a peer: what one of them sends, all receive. */
export async function crowdOf(subject: Subject, path: string, size: number): Promise<Crowd> {
  const dialect = await dialectOf(path, size);
  const dialects = Array.from({ length: size }, () => dialect);
  return await Crowd.gather(webSocketUrl(subject, path), dialects, 1);
}

async function dialectOf(path: string, size: number): Promise<Dialect> {
  if (path.startsWith("/limit")) return lines;
  if (!path.startsWith("/socket.io/")) return plain;
  return socketIo(await signedFor("somebody"), `conversation of ${size}`);
}

/** One request; returns the text of its answer. Throws if it is refused. */
export async function call(
  { address }: Subject,
  token: string,
  method: "GET" | "POST" | "PUT",
  path: string,
  body?: unknown,
): Promise<string> {
  const answer = await request(`${address}${path}`, {
    method,
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await answer.body.text();
  if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
  return text;
}
