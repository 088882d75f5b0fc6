import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { transform } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clientPackage, REPORT } from "../../src/cli/build-client.ts";
import { ROOT } from "../../src/cli/settings.ts";
import { Parley } from "../../src/client/parley.ts";
import { startProduction } from "./production.ts";
import { cleanUp, Program, run, type Server, temporaryFolder } from "./server.ts";
import { signedFor } from "./token.ts";

/**
 * The package of the client as an application gets it: built, packed by npm, installed from the archive into an
 * empty project outside this folder, and used there in plain Node against a real server. No registry is asked.
 */

/** Bytes of what `parley-chat-client` brings to a page, minified and compressed by gzip. */
const MAX_COMPRESSED = 34_000;

let server: Server;
/** An empty project with the package. */
let project: string;
let installed: string;

beforeAll(async () => {
  project = await temporaryFolder();
  [server] = await Promise.all([startProduction(await temporaryFolder()), install(project)]);
  installed = `${project}/node_modules/parley-chat-client`;
});
afterAll(cleanUp);

async function install(folder: string): Promise<void> {
  const built = await temporaryFolder();
  await run(process.execPath, "src/cli/build-client.ts", "--out", built);
  const [archive = ""] = (await run("npm", "pack", "--silent", "--pack-destination", folder, built))
    .split("\n")
    .slice(-1);
  await writeFile(`${folder}/package.json`, JSON.stringify({ private: true, type: "module" }));
  const options = ["--prefix", folder, "--offline", "--no-audit", "--no-fund"];
  await run("npm", "install", ...options, join(folder, archive));
}

/** Runs a program of the project in Node, with the server's address as `url`, to its end. */
async function runs(name: string, code: string): Promise<string> {
  await writeFile(`${project}/${name}`, code);
  const program = new Program(process.execPath, [`${project}/${name}`]);
  expect(await program.ended, program.output).toBe(0);
  return program.output;
}

/** A person of the server, who has made a request. */
async function person(id: string): Promise<{ parley: Parley; token: string }> {
  const token = await signedFor(id);
  const parley = new Parley({ url: server.address, token: () => token });
  await parley.rest.conversations();
  return { parley, token };
}

describe("the archive", () => {
  test("has the version and license of Parley, two entries, and no dependencies", async () => {
    const manifest = JSON.parse(await readFile(`${installed}/package.json`, "utf8"));
    const { version, license } = JSON.parse(await readFile(`${ROOT}/package.json`, "utf8"));
    expect(manifest).toMatchObject({ name: "parley-chat-client", version, license });
    expect(Object.keys(manifest.exports)).toEqual([".", "./admin", "./package.json"]);
    expect(Object.keys(manifest).filter((key) => /dependencies/i.test(key))).toEqual([]);
    expect((await readdir(installed)).toSorted()).toEqual(
      ["LICENSE", "README.md", "admin.js", "index.js", "package.json", "types"].toSorted(),
    );
    expect(await readFile(`${installed}/LICENSE`, "utf8")).toContain("Colin McDonnell");
  });

  test("has nothing of the server in it, and refers to nothing outside it", async () => {
    const paths = await readdir(installed, { recursive: true });
    const files = paths.filter((path) => /\.(?:js|d\.ts)$/.test(path));
    const folders = new Set(
      files.filter((path) => path.startsWith("types")).map((path) => path.split("/")[1]),
    );
    expect([...folders].toSorted()).toEqual(["client", "contract", "domain", "live"]);
    for (const file of files) {
      const text = await readFile(`${installed}/${file}`, "utf8");
      const imports = [...text.matchAll(/^(?:import|export) [^;]*? from "(.*)";$/gm)];
      expect(imports.filter(([, from = ""]) => !/^\.\.?\/.*\.js$/.test(from))).toEqual([]);
      expect(text, file).not.toMatch(/@hono|DurableObject|\bD1Database\b|cloudflare:/);
      if (file.endsWith(".d.ts")) expect(text, file).not.toMatch(/\bz\.|Zod/);
    }
  });

  test("brings no more than it did", async () => {
    const { code } = await transform(await readFile(`${installed}/index.js`, "utf8"), {
      minify: true,
      format: "esm",
    });
    expect(gzipSync(code, { level: 9 }).length).toBeLessThan(MAX_COMPRESSED);
  });
});

test("docs/client-api.md is what it offers: npm run build:client -- --report", async () => {
  expect((await clientPackage()).report).toBe(await readFile(REPORT, "utf8"));
});

describe("types", () => {
  const STRICT = {
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
  };
  const BROWSER = { lib: ["es2022", "dom"], types: [] };
  const NODE = { lib: ["es2022"], types: ["node"], typeRoots: [`${ROOT}/node_modules/@types`] };

  test.each([
    ["bundler", { module: "esnext", moduleResolution: "bundler", ...BROWSER }],
    ["nodenext", { module: "nodenext", moduleResolution: "nodenext", ...BROWSER }],
    ["nodenext without the DOM", { module: "nodenext", moduleResolution: "nodenext", ...NODE }],
  ])("are those of the values, with %s", async (_, options) => {
    await writeFile(`${project}/consumer.ts`, CONSUMER);
    const config = {
      compilerOptions: { target: "es2022", ...STRICT, ...options },
      files: ["consumer.ts"],
    };
    await writeFile(`${project}/tsconfig.json`, JSON.stringify(config));
    const tsc = new Program(process.execPath, [
      `${ROOT}/node_modules/typescript/bin/tsc`,
      "-p",
      project,
    ]);
    expect(await tsc.ended, tsc.output).toBe(0);
  });
});

const CONSUMER = `
import { Parley, ParleyError, type ConversationEvent, type WireMessage } from "parley-chat-client";
import { Administration, type Job } from "parley-chat-client/admin";

const parley = new Parley({ url: "http://localhost", token: async () => "token" });
const conversation = parley.conversation("id");
conversation.on("message", ({ message }) => {
  const known: WireMessage = message;
  const text: string = known.content;
  // @ts-expect-error: it is a text.
  const number: number = known.content;
  console.log(text, number);
});
// @ts-expect-error: there is no such event.
conversation.on("nothing", () => undefined);
// @ts-expect-error: nor can this be sent.
await conversation.send(1);
const { messageId }: { messageId: string } = await conversation.send("Hello!");
const job: Job = await new Administration(parley.staff).export("users", "id", "asked for");
const type: ConversationEvent["type"] = "reset";
const isFull = (error: unknown) => error instanceof ParleyError && error.code === "group_full";
console.log(messageId, job.state, type, isFull(undefined));
`;

describe("in plain Node", () => {
  test("the examples of its README work", async () => {
    await person("henry");
    const { token } = await person("grace");
    const readme = await readFile(`${installed}/README.md`, "utf8");
    const code = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)]
      .map(([, block]) => block)
      .join("")
      .replace("http://localhost:8787", server.address)
      .replace('(await fetch("/chat-token")).text()', JSON.stringify(token));
    const output = await runs("readme.js", `${code}conversation.close();\n`);
    expect(output).toBe("connecting\nlive\ncreated Hello!\n1 0\nclosed\n");
  });

  test("what is sent while its socket is lost arrives once, and what was missed is received", async () => {
    const [{ token }, { parley: other }] = await Promise.all([person("iris"), person("jack")]);
    const { conversationId } = await other.rest.direct("iris");
    const his = await other.conversation(conversationId).connect().live();
    const output = await runs("resume.js", RESUME(server.address, token, conversationId));
    expect(output).toBe("live\noffline\nlive\nfalse\nBefore, Missed, Sent meanwhile\n");
    await his.history({ limit: 1 });
    expect(his.messages.map(({ content }) => content)).toEqual([
      "Before",
      "Missed",
      "Sent meanwhile",
    ]);
    his.close();
  });

  test("an admin's part is imported apart", async () => {
    const token = await signedFor("operator", 600, { role: "admin" });
    const output = await runs(
      "admin.js",
      `import { Parley } from "parley-chat-client";
      import { Administration } from "parley-chat-client/admin";
      const parley = new Parley({ url: "${server.address}", token: () => "${token}" });
      const admin = new Administration(parley.staff);
      await parley.rest.conversations();
      console.log((await admin.users("operator")).items.map(({ id }) => id).join());`,
    );
    expect(output).toBe("operator\n");
  });
});

/** Loses its socket once, and has a message sent by REST and one by itself before it has another. */
const RESUME = (url: string, token: string, id: string) => `
import { Parley } from "parley-chat-client";

let socket;
const openSocket = (url, protocols) => (socket = new WebSocket(url, protocols));
const parley = new Parley({ url: "${url}", token: () => "${token}", openSocket });
const conversation = parley.conversation("${id}");
conversation.on("status", ({ state }) => state !== "connecting" && console.log(state));
await conversation.connect().live();
await conversation.send("Before");
const lost = new Promise((resolve) =>
  conversation.on("status", ({ state }) => state === "offline" && resolve()),
);
socket.close();
await lost;
await parley.rest.sendMessage({ conversationId: "${id}", content: "Missed" });
const { deduplicated } = await conversation.send("Sent meanwhile");
console.log(deduplicated);
console.log(conversation.messages.map(({ content }) => content).join(", "));
process.exit();
`;

test("the echo bot answers what it is told, and once only when it is started again", async () => {
  const { parley } = await person("karl");
  const { token } = await person("echo");
  const { conversationId } = await parley.rest.direct("echo");
  const talk = await parley.conversation(conversationId).connect().live();
  const answers = () =>
    talk.messages.filter(({ senderId }) => senderId === "echo").map(({ content }) => content);
  const code = await readFile(`${ROOT}/examples/echo-bot/bot.js`, "utf8");
  await writeFile(
    `${project}/bot.mjs`,
    `process.env.PARLEY_URL = "${server.address}";\nprocess.env.PARLEY_TOKEN = "${token}";\n${code}`,
  );
  const bot = () => new Program(process.execPath, [`${project}/bot.mjs`]);

  await talk.send("Before it runs");
  const first = bot();
  await first.says(/Echoing as echo\./);
  await talk.send("Hello");
  await expect.poll(answers, { timeout: 20_000 }).toEqual(["Before it runs", "Hello"]);
  await first.kill();
  await talk.send("Still there?");
  const second = bot();
  await expect.poll(answers, { timeout: 20_000 }).toContain("Still there?");
  await talk.send("The end");
  await expect.poll(answers, { timeout: 20_000 }).toContain("The end");
  expect(answers()).toEqual(["Before it runs", "Hello", "Still there?", "The end"]);
  await second.kill();
  talk.close();
});
