/** A deployment as it is reached from here. */

/** How long one request may take. */
const PATIENCE_MS = 15_000;
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

export interface Deployment {
  /** `https://chat.example` */
  origin: string;
  token: string | undefined;
}

export interface Reply {
  status: number;
  headers: Headers;
  /** Parsed, where the answer is JSON; otherwise `undefined`. */
  body: unknown;
  /** When the answer came, and how long it took, in milliseconds. */
  at: number;
  took: number;
}

/** Whether the address is one of this machine. */
export function isLocal({ origin }: Pick<Deployment, "origin">): boolean {
  return LOOPBACK.test(new URL(origin).hostname);
}

/** Sends a request, with the token if there is one. Rejects if nobody answers in time. */
export async function call(
  { origin, token }: Deployment,
  method: string,
  path: string,
  body?: object,
): Promise<Reply> {
  const begun = Date.now();
  const response = await fetch(new URL(path, origin), {
    method,
    redirect: "manual",
    headers: {
      ...(token && { Authorization: `Bearer ${token}` }),
      ...(body && { "Content-Type": "application/json" }),
    },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const at = Date.now();
  const text = await response.text();
  const { status, headers } = response;
  return { status, headers, body: jsonOf(text), at, took: at - begun };
}

/** Why a request was not answered: the code of the system's error, or its message. */
export function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown.name === "TimeoutError") return `no answer within ${PATIENCE_MS / 1_000} s`;
  const { cause } = thrown;
  if (cause instanceof Error) return "code" in cause ? String(cause.code) : cause.message;
  return thrown.message;
}

/** The code of a refusal, or its status. */
export function refusalOf({ status, body }: Reply): string {
  const code = typeof body === "object" && body !== null && "code" in body ? body.code : undefined;
  return typeof code === "string" ? `${status} ${code}` : String(status);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
