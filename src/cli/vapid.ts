/**
 * `npm run -s vapid` prints a new private key for push messages, and nothing else on its output, so that it
 * can be passed on: `npm run -s vapid | npx wrangler secret put VAPID_PRIVATE_KEY`.
 */
import { parseArgs } from "node:util";
import { exportJWK, generateKeyPair } from "jose";
import { misused } from "./exit.ts";

const USAGE = "npm run -s vapid | npx wrangler secret put VAPID_PRIVATE_KEY";

try {
  const { values } = parseArgs({ options: { help: { type: "boolean", short: "h" } } });
  if (values.help) {
    console.log(`usage: ${USAGE}`);
    process.exit(0);
  }
} catch (error) {
  misused(error, USAGE);
}
const { privateKey } = await generateKeyPair("ES256", { extractable: true });
console.log((await exportJWK(privateKey)).d);
