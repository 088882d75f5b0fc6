/// <reference path="./http_ece.d.ts" />
import { createECDH, type ECDH, randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { decrypt } from "http_ece";
import { importJWK, type JWTPayload, jwtVerify } from "jose";
import { z } from "zod";

/**
 * A push service on loopback, and the browsers that subscribe to it. It is as strict as RFC 8030, 8291 and
 * 8292 allow, and checks what arrives by code that the sender does not use: `http_ece` and `jose`.
 */

/** A message that was accepted, decrypted as its browser would. */
export interface Push {
  /** When it arrived, in milliseconds since the epoch. */
  at: number;
  text: string;
  /** Bytes of the encrypted body. */
  size: number;
  headers: Record<string, string>;
  /** Of the VAPID token. */
  claims: JWTPayload;
  token: string;
}

/** How the service answers, instead of checking and accepting. */
export type Behavior =
  | { status: number; headers?: Record<string, string> | undefined; body?: string | undefined }
  /** Never; or the connection is cut. */
  | "hang"
  | "cut";

interface Browser {
  /** The key that it has subscribed with. */
  serverKey: string;
  keys: ECDH;
  auth: string;
  accepted: Push[];
  /** Requests of any outcome, with the reason of a refusal. */
  requests: {
    at: number;
    status: number | undefined;
    reason: string | undefined;
    url: string;
  }[];
  behaviors: Behavior[];
}

export interface Subscribed {
  endpoint: string;
  expirationTime: null;
  keys: { p256dh: string; auth: string };
}

const MAX_BYTES = 4_096;

export class PushService {
  private readonly server: Server;
  private readonly browsers = new Map<string, Browser>();
  /** Where it is reached: `http://127.0.0.1:…`. */
  origin = "";

  private constructor() {
    this.server = createServer((request, response) => {
      this.handle(request, response).catch((error: unknown) => {
        response.writeHead(500).end(String(error));
      });
    });
  }

  static async start(): Promise<PushService> {
    const service = new PushService();
    // A connection that is used again must not have been closed meanwhile.
    service.server.keepAliveTimeout = 120_000;
    service.server.listen(0, "127.0.0.1");
    await once(service.server, "listening");
    const address = service.server.address();
    if (address === null || typeof address === "string") throw new Error("no address");
    service.origin = `http://127.0.0.1:${address.port}`;
    return service;
  }

  /** A browser subscribes with the key of a server. */
  subscribe(serverKey: string): Subscribed {
    const id = randomUUID();
    const keys = createECDH("prime256v1");
    const p256dh = keys.generateKeys("base64url");
    const auth = randomBytes(16).toString("base64url");
    const browser = { serverKey, keys, auth, accepted: [], requests: [], behaviors: [] };
    this.browsers.set(id, browser);
    return { endpoint: `${this.origin}/push/${id}`, expirationTime: null, keys: { p256dh, auth } };
  }

  /** What was accepted for a browser, and what was asked. */
  received(endpoint: string): Pick<Browser, "accepted" | "requests"> {
    const { accepted, requests } = this.browserOf(endpoint);
    return { accepted, requests };
  }

  /** The next answers to messages for a browser, in order; then they are checked and accepted again. */
  behave(endpoint: string, behaviors: readonly Behavior[]): void {
    this.browserOf(endpoint).behaviors = [...behaviors];
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }

  private browserOf(endpoint: string): Browser {
    const browser = this.browsers.get(endpoint.split("/").at(-1) ?? "");
    if (!browser) throw new Error("no such browser");
    return browser;
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    if (request.url === "/control") return this.control(body, response);
    const browser = this.browsers.get(request.url?.replace("/push/", "") ?? "");
    if (!browser) return void response.writeHead(404).end();
    const behavior = browser.behaviors.shift();
    const log = (status: number | undefined, reason?: string) =>
      void browser.requests.push({ at: Date.now(), status, reason, url: request.url ?? "" });
    if (behavior === "hang") return log(undefined);
    if (behavior === "cut") {
      log(undefined);
      return void request.socket.destroy();
    }
    if (behavior) {
      log(behavior.status);
      return void response.writeHead(behavior.status, behavior.headers).end(behavior.body);
    }
    const checked = await this.checked(request, body, browser).catch((error: unknown) => {
      if (error instanceof Refusal) return error;
      return new Refusal(400, String(error));
    });
    if (checked instanceof Refusal) {
      log(checked.status, checked.message);
      return void response.writeHead(checked.status).end(checked.message);
    }
    log(201);
    browser.accepted.push(checked);
    response.writeHead(201, { Location: `${this.origin}/message/${randomUUID()}` }).end();
  }

  /** For tests that run elsewhere: {@link command} as JSON. */
  private control(body: Buffer, response: ServerResponse): void {
    const asked = command.parse(JSON.parse(body.toString()));
    const answer =
      asked.do === "subscribe"
        ? this.subscribe(asked.serverKey)
        : asked.do === "received"
          ? this.received(asked.endpoint)
          : (this.behave(asked.endpoint, asked.behaviors) ?? null);
    response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(answer));
  }

  private async checked(request: IncomingMessage, body: Buffer, browser: Browser): Promise<Push> {
    const at = Date.now();
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    const must = (isRight: boolean, status: number, reason: string) => {
      if (!isRight) throw new Refusal(status, reason);
    };
    must(request.method === "POST", 405, "only POST");
    must(/^\d+$/.test(headers["ttl"] ?? ""), 400, "TTL is required");
    must(headers["content-encoding"] === "aes128gcm", 400, "only aes128gcm");
    must(body.length <= MAX_BYTES, 413, "too large");
    must(/^[\w-]{1,32}$/.test(headers["topic"] ?? "none"), 400, "an invalid Topic");
    must(/^(very-low|low|normal|high)$/.test(headers["urgency"] ?? "normal"), 400, "Urgency");
    const [, token = "", key = ""] =
      /^vapid t=([\w.-]+), ?k=([\w-]+)$/.exec(headers["authorization"] ?? "") ?? [];
    must(token !== "", 401, "no VAPID token");
    must(key === browser.serverKey, 403, "not the key of the subscription");
    const claims = await this.verified(token, key);
    const { exp = 0, sub = "" } = claims;
    must(exp * 1_000 <= Date.now() + 24 * 60 * 60_000, 403, "exp is more than 24 hours ahead");
    must(/^(mailto:|https:\/\/)/.test(sub), 403, "sub is no address");
    const plain = decrypt(body, {
      version: "aes128gcm",
      privateKey: browser.keys,
      authSecret: browser.auth,
    });
    return { at, text: Buffer.from(plain).toString(), size: body.length, headers, claims, token };
  }

  private async verified(token: string, key: string): Promise<JWTPayload> {
    const point = Buffer.from(key, "base64url");
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((one) =>
      one.toString("base64url"),
    );
    const publicKey = await importJWK({ kty: "EC", crv: "P-256", x: x ?? "", y: y ?? "" }, "ES256");
    const options = {
      audience: this.origin,
      algorithms: ["ES256"],
      requiredClaims: ["exp", "sub"],
    };
    try {
      return (await jwtVerify(token, publicKey, options)).payload;
    } catch (error) {
      throw new Refusal(403, String(error));
    }
  }
}

class Refusal extends Error {
  readonly status: number;

  constructor(status: number, reason: string) {
    super(reason);
    this.status = status;
  }
}

const behavior = z.union([
  z.object({
    status: z.number(),
    headers: z.record(z.string(), z.string()).optional(),
    body: z.string().optional(),
  }),
  z.enum(["hang", "cut"]),
]);
const command = z.discriminatedUnion("do", [
  z.object({ do: z.literal("subscribe"), serverKey: z.string() }),
  z.object({ do: z.literal("received"), endpoint: z.string() }),
  z.object({ do: z.literal("behave"), endpoint: z.string(), behaviors: z.array(behavior) }),
]);
