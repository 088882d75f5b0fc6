import { inject } from "vitest";
import { Parley } from "../../src/client/parley.ts";
import { tokenFor } from "../system/server.ts";

/** A user without a page, who can send and to whom others can write. */
export async function clientOf(
  id: string,
  name: string,
  address = inject("address"),
): Promise<Parley> {
  const token = await tokenFor(id, "--name", name);
  const client = new Parley({ url: address, token: () => token });
  await client.rest.conversations();
  return client;
}
