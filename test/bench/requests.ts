import { Pool } from "undici";
import { type RateAndCost, rateAndCost } from "./processor.ts";
import type { Subject } from "./subjects.ts";

const CONCURRENT = 32;
const STRETCH_MS = 1_200;

export interface Ask {
  method: "GET" | "POST";
  path: string;
  body?: unknown;
}

/** Requests that a server answers, {@link CONCURRENT} at a time. */
export function requestsTo(
  { address, program }: Subject,
  token: string,
  next: () => Ask,
): Promise<RateAndCost> {
  return rateAndCost(program, async () => {
    const pool = new Pool(address, { connections: CONCURRENT });
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    const began = performance.now();
    let count = 0;
    const asking = async () => {
      while (performance.now() - began < STRETCH_MS) {
        const { method, path, body } = next();
        const sent = body === undefined ? {} : { body: JSON.stringify(body) };
        const answer = await pool.request({ method, path, headers, ...sent });
        const text = await answer.body.text();
        if (answer.statusCode >= 300) throw new Error(`${path}: ${answer.statusCode} ${text}`);
        count++;
      }
    };
    await Promise.all(Array.from({ length: CONCURRENT }, asking));
    const ms = performance.now() - began;
    await pool.close();
    return { count, ms };
  });
}
