import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { Rest } from "./client.ts";
import { startProduction } from "./production.ts";
import { known, OverSignalR, OverSocketIo } from "./public-clients.ts";
import { cleanUp, freePort, temporaryFolder } from "./server.ts";

/**
 * The public clients of both protocols, where a conversation begins a new epoch. The local runtime has no recovery:
 * a D1 that has more than the conversation's object stands for an object that was taken back to an earlier time.
 */

afterAll(cleanUp);

/** Has D1 say that it has later revisions of every conversation. */
async function raiseRevisions(folder: string): Promise<void> {
  const names = await readdir(folder, { recursive: true });
  for (const name of names.filter((one) => /d1.*\.sqlite$/i.test(one))) {
    const database = new DatabaseSync(join(folder, name));
    const tables = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'conversations'");
    if (tables.get()) database.exec("UPDATE conversations SET rev = rev + 1000");
    database.close();
  }
}

test("clients of both protocols connect again by themselves, are told to load anew, and go on", async () => {
  const [folder, port] = await Promise.all([temporaryFolder(), freePort()]);
  const start = () => startProduction(folder, "--port", String(port));
  let server = await start();
  const [anna, ben] = await Promise.all(["anna", "ben"].map((name) => known(server.address, name)));
  if (!anna || !ben) throw new Error("two people");
  const id = await anna.rest.group("All", [ben.userId, anna.userId]);
  const token = () => ben.token;
  const ears = [
    await OverSocketIo.in(server.address, token, [id], ["websocket"]),
    await OverSocketIo.in(server.address, token, [id], ["polling"]),
    await OverSignalR.in(server.address, token, [id]),
  ];
  for (const ear of ears) onTestFinished(() => ear.close());
  await anna.rest.send(id, "before", "before");
  await Promise.all(ears.map((ear) => ear.until(() => ear.texts.includes("before"))));

  await server.program.kill();
  await raiseRevisions(folder);
  server = await start();
  // The first write to D1 finds it: by the alarm, or with this message.
  const rest = new Rest(server.address, anna);
  await rest.send(id, "finds it", "finds-it");
  await Promise.all(ears.map((ear) => ear.until(() => ear.resets.length > 0)));
  await rest.send(id, "after", "after");
  await Promise.all(ears.map((ear) => ear.until(() => ear.texts.includes("after"))));
  for (const { ids, resets } of ears) {
    expect(new Set(ids).size).toBe(ids.length);
    expect(resets).toEqual([id]);
  }
});
