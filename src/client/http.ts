import * as z from "zod";
import { ParleyError } from "./error.ts";
import type { Tokens } from "./tokens.ts";

/** The form of a refusal in every API that clients use. */
const refusal = z.object({
  error: z.string(),
  code: z.string(),
  details: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});

export type Query = Record<string, string | number | undefined>;

/** What a request has besides its address. */
export interface Sent {
  body?: string | Blob;
  /** The body's media type. */
  type?: string;
  signal?: AbortSignal | undefined;
}

/** HTTP requests of one user. */
export class Http {
  private readonly base: string;
  private readonly tokens: Tokens;
  private readonly fetch: typeof fetch;

  constructor(base: string, tokens: Tokens, fetcher: typeof fetch) {
    this.base = base;
    this.tokens = tokens;
    this.fetch = fetcher;
  }

  get<Answer>(path: string, query: Query = {}, signal?: AbortSignal): Promise<Answer> {
    return this.call("GET", path + queryOf(query), { signal });
  }

  /** Sends JSON, or no body. */
  send<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    if (body === undefined) return this.call(method, path);
    return this.call(method, path, { body: JSON.stringify(body), type: "application/json" });
  }

  /**
   * One request, and a second one with a fresh token when the server rejects the first one's.
   * Rejects with a `ParleyError`: the server's refusal, or `network`; with an aborted signal's reason.
   */
  async call<Answer>(method: string, path: string, what: Sent = {}): Promise<Answer> {
    try {
      return await this.answer(method, path, what);
    } catch (error) {
      what.signal?.throwIfAborted();
      throw error;
    }
  }

  private async answer<Answer>(method: string, path: string, what: Sent): Promise<Answer> {
    const attempt = (token: string) => this.request(method, path, token, what);
    const token = await this.tokens.get();
    let response = await attempt(token);
    if (response.status === 401) {
      await this.tokens.refuse(token);
      response = await attempt(await this.tokens.get());
    }
    if (!response.ok) throw await errorOf(response);
    // The server's tests check that `Answer` is void where there is none.
    if (response.status === 204) return undefined as Answer;
    try {
      // The server's tests check its answers against the schemas that `Answer` is inferred from.
      return (await response.json()) as Answer;
    } catch (cause) {
      throw cutOff(cause);
    }
  }

  private async request(
    method: string,
    path: string,
    token: string,
    { body, type, signal }: Sent,
  ): Promise<Response> {
    const headers = { Authorization: `Bearer ${token}`, ...(type && { "Content-Type": type }) };
    try {
      return await this.fetch(this.base + path, {
        method,
        headers,
        ...(body !== undefined && { body }),
        ...(signal && { signal }),
      });
    } catch (cause) {
      throw new ParleyError("network", "The server could not be reached.", { cause });
    }
  }
}

/** A path with encoded parts: path`/channels/${id}`. */
export function path(texts: TemplateStringsArray, ...parts: string[]): string {
  return texts.reduce((whole, text, i) => whole + encodeURIComponent(parts[i - 1] ?? "") + text);
}

export function queryOf(query: Query): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)]],
  );
  return given.length > 0 ? `?${new URLSearchParams(given)}` : "";
}

function cutOff(cause: unknown): ParleyError {
  return new ParleyError("network", "The answer ended before it was complete.", { cause });
}

/** The server's refusal; a truncated one is a network error, because its cause is unknown. */
async function errorOf(response: Response): Promise<ParleyError> {
  const { status } = response;
  let text: string;
  try {
    text = await response.text();
  } catch (cause) {
    return cutOff(cause);
  }
  const parsed = refusal.safeParse(jsonOf(text));
  const { error, code, details } = parsed.data ?? {
    error: `The server answered ${status}.`,
    code: "internal",
  };
  const seconds = Number(response.headers.get("Retry-After") ?? Number.NaN);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1_000 : undefined;
  return new ParleyError(code, error, { status, details, retryAfterMs });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
