import { inject } from "vitest";
import { Parley } from "../../src/client/parley.ts";
import { tokenFor } from "../system/server.ts";

/** Somebody who needs no page to write; known from now on, so that others can write to them. */
export async function clientOf(id: string, name: string): Promise<Parley> {
  const token = await tokenFor(id, "--name", name);
  const client = new Parley({ url: inject("address"), token: () => token });
  await client.rest.conversations();
  return client;
}
