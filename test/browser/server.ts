import { randomBytes } from "node:crypto";
import type { TestProject } from "vitest/node";
import { cleanUp, startServer, temporaryFolder } from "../system/server.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The page's address. */
    address: string;
  }
}

/** Pushes are sent to push services on this machine. */
const PUSH = [
  `VAPID_PRIVATE_KEY:${randomBytes(32).toString("base64url")}`,
  ...["VAPID_SUBJECT:mailto:operator@parley.test", "PUSH_HOSTS:http://127.0.0.1"],
];

/** One server for all files, with limits against abuse disabled. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const limits = ["REQUEST_LIMITS:off", "MESSAGES_PER_MINUTE_UNIHUB:10000"];
  const options = [...limits, ...PUSH].flatMap((limit) => ["--var", limit]);
  const { address } = await startServer(
    await temporaryFolder(),
    "--inspector-port",
    "0",
    ...options,
  );
  project.provide("address", address);
  return cleanUp;
}
