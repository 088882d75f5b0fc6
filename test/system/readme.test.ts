import { access, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { developmentSettings, ROOT } from "../../src/cli/settings.ts";
import { describeReference } from "./reference.ts";
import { cleanUp, freePort, Program, run, type Server, temporaryFolder, up } from "./server.ts";
import { signedFor } from "./token.ts";

/** Does what README.md says, as a newcomer would: with npm, bash, curl and wscat. */

let readme: string;
let port: number;
let server: Server;

beforeAll(async () => {
  readme = await readFile(`${ROOT}/README.md`, "utf8");
  port = await freePort();
  const folder = await temporaryFolder();
  const options = ["--port", String(port), "--persist-to", folder];
  server = await up(new Program("npm", ["start", "--", ...options]));
});
afterAll(cleanUp);

test("the README's commands are those that are run: by CI, or here", () => {
  const [start, check, ...conversation] = blocks("bash");
  expect(start).toBe("npm ci && npm start\n");
  expect(check).toBe("npm ci && npm test\n");
  expect(conversation.map((block) => block.trim().split("\n").length)).toEqual([5, 1]);
  expect(blocks("json")).toHaveLength(1);
  expect(blocks("ts")).toHaveLength(3);
  expect(readme.match(/^```/gm)).toHaveLength(2 * (blocks("bash").length + 1 + 3));
});

test("npm start serves on the port it is given and says what to try, which works", async () => {
  expect(server.address).toBe(`http://localhost:${port}`);
  const [, hints = ""] = await server.program.says(/is up at .*\n((?:\n| .*\n)+)/);
  expect(JSON.parse(await run("bash", "-euc", hints))).toEqual([]);
});

describeReference(() => server);

test("the first conversation goes line by line as the README says, and renames no demonstration person", async () => {
  const [, , ...conversation] = blocks("bash");
  const script = conversation.join("").replaceAll("8787", String(port));
  const [answer = ""] = blocks("json");
  const terminal = new Program("bash", ["-euo", "pipefail", "-c", script]);
  await terminal.says(/"type":"sync".*\n/);
  terminal.type(answer.trim());
  await terminal.says(/"type":"ack".*\n/);
  terminal.hangUp();
  expect(await terminal.ended).toBe(0);

  // wscat prompts with "> "; what npm has to say of itself is passed over.
  const printed = terminal.output
    .split("\n")
    .map((line) => line.replace(/^> /, ""))
    .filter((line) => /^[[{]|^[0-9a-f-]{36}$/.test(line));
  const [none, conversationId, sent, hello, sync, message, ack, history, ...rest] = printed;
  expect(rest).toEqual([]);
  expect(none).toBe("[]");
  expect(json(sent)).toEqual({ messageId: expect.any(String), sentAt: expect.any(String) });
  expect(json(hello)).toMatchObject({
    type: "hello",
    protocol: "parley.v1",
    you: { userId: "frank", unread: 1 },
    conversation: { id: conversationId, kind: "direct" },
  });
  expect(json(sync)).toMatchObject({
    type: "sync",
    messages: [{ senderId: "erin", content: "Hello Frank!" }],
    more: false,
  });
  expect(json(message)).toMatchObject({
    type: "message",
    message: { number: 2, senderId: "frank", content: "Hello Erin!" },
  });
  expect(json(ack)).toMatchObject({ type: "ack", id: 1 });
  expect(json(history)).toMatchObject({
    items: [
      { senderId: "frank", content: "Hello Erin!" },
      { senderId: "erin", content: "Hello Frank!" },
    ],
    totalCount: 2,
  });
  const demonstration = await fetch(`${server.address}/api/development/people`);
  const { people } = z
    .object({ people: z.array(z.object({ id: z.string() })) })
    .parse(await demonstration.json());
  expect(people.length).toBeGreaterThan(0);
  for (const { id } of people) expect(readme).not.toContain(`token -- ${id}`);
});

test("an app's backend and page work as the README says", async () => {
  const require = createRequire(import.meta.url);
  const program = join(await temporaryFolder(), "app.mts");
  const code = blocks("ts")
    .join("")
    .replace('"jose"', JSON.stringify(pathToFileURL(require.resolve("jose"))))
    .replace('"parley-chat-client"', JSON.stringify(await builtClient()))
    .replaceAll("http://localhost:8787", server.address)
    .replace('(await fetch("/chat-token")).text()', 'chatToken({ sub: "grace" })');
  const secret = JSON.stringify(developmentSettings()["JWT_SECRET"]);
  // The conversation stays connected: the program has to end it.
  const before = `process.env.JWT_SECRET = ${secret};\n`;
  await writeFile(program, `${before}${code}conversation.close();\n`);
  const app = new Program(process.execPath, [program]);
  expect(await app.ended, app.output).toBe(0);
  expect(app.output).toBe("grace Hello!\n");
  const headers = { Authorization: `Bearer ${await signedFor("henry")}` };
  const found = await fetch(`${server.address}/api/users?ids=grace,henry`, { headers });
  expect(await found.json()).toEqual({
    users: [
      { id: "grace", name: "Grace Hopper", avatarUrl: null },
      { id: "henry", name: "Henry Ford", avatarUrl: "https://app.example/henry.png" },
    ],
  });
});

test("the README's settings and defaults are those of wrangler.toml", async () => {
  const toml = await readFile(`${ROOT}/wrangler.toml`, "utf8");
  const [, vars = ""] = /^\[vars\]$(.*?)^\[/ms.exec(toml) ?? [];
  const settings = [...vars.matchAll(/^(\w+) = "(.*)"$/gm)];
  expect(settings.length).toBeGreaterThan(0);
  const rows = [...readme.matchAll(/^\| `(\w+)` \| (?:`(.*?)`|empty) \|/gm)];
  const pairs = (found: RegExpExecArray[]) => found.map(([, name, value]) => [name, value ?? ""]);
  expect(pairs(rows)).toEqual(pairs(settings));
});

test("every file and folder that the README names is there", async () => {
  const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)];
  const folders = [...readme.matchAll(/`((?:src|test|migrations)\/[\w./]*)`/g)];
  const named = [...links, ...folders].flatMap(([, path]) => path ?? []);
  expect(named.length).toBeGreaterThan(5);
  const missing: string[] = [];
  for (const path of named) await access(`${ROOT}/${path}`).catch(() => missing.push(path));
  expect(missing).toEqual([]);
});

/** The client's package, built as the README says; what is imported of it. */
async function builtClient(): Promise<string> {
  const folder = await temporaryFolder();
  const [, command = ""] = /`(npm run build:client) && npm pack/.exec(readme) ?? [];
  await run("bash", "-euc", `${command} -- --out ${folder}`);
  return `${folder}/index.js`;
}

/** What is in the README's blocks of a language. */
function blocks(language: string): string[] {
  const found = readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms"));
  return [...found].flatMap(([, text]) => text ?? []);
}

function json(line: string | undefined): unknown {
  return z.json().parse(JSON.parse(line ?? "null"));
}
