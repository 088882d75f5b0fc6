import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, test } from "vitest";
import { ROOT } from "../../src/cli/settings.ts";
import { cleanUp, freePort, Program, startServer, temporaryFolder, tokenFor } from "./server.ts";

/** The set-up of the notification webhook in docs/operations.md, to the first notification. */

afterAll(cleanUp);

const { resolve } = createRequire(`${ROOT}/package.json`);

test("the documented receiver verifies what a server sends it, and refuses what others send", async () => {
  const port = await freePort();
  const secret = `whsec_${btoa("a secret of the test, 32 bytes..")}`;
  const page = await readFile(`${ROOT}/docs/operations.md`, "utf8");
  const [, code = ""] = /## Notification webhook.*?```js\n(.*?)```/s.exec(page) ?? [];
  const file = join(await temporaryFolder(), "receiver.mjs");
  await writeFile(
    file,
    code
      .replace(/from "([a-z]+)"/g, (_, name) => `from "${pathToFileURL(resolve(name))}"`)
      .replace("process.env.NOTIFY_SECRET", JSON.stringify(secret))
      .replace("4000", String(port))
      .replace(/;\s*$/, '.on("listening", () => console.log("listening"));'),
  );
  const receiver = new Program(process.execPath, [file]);
  await receiver.says(/listening/);
  const { address, program } = await startServer(
    await temporaryFolder(),
    ...["--var", `NOTIFY_URL:http://localhost:${port}/parley`, "--var", `NOTIFY_SECRET:${secret}`],
  );
  const call = async (userId: string, path: string, body?: object) => {
    const answer = await fetch(`${address}/api/v1/chat/${path}`, {
      headers: {
        Authorization: `Bearer ${await tokenFor(userId)}`,
        "Content-Type": "application/json",
      },
      ...(body && { method: "POST", body: JSON.stringify(body) }),
    });
    return answer.json();
  };
  await call("bob", "conversations");
  const { conversationId } = await call("alice", "conversations/direct", { otherUserId: "bob" });
  await call("alice", "messages", { conversationId, content: "a text that no log has" });
  await receiver.says(/^notification bob 1$/m);
  const forged = await fetch(`http://localhost:${port}/parley`, { method: "POST", body: "{}" });
  expect(forged.status).toBe(401);
  for (const hidden of ["a text that", secret]) expect(program.output).not.toContain(hidden);
});
