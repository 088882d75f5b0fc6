import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { extname } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clientPackage } from "../../src/cli/build-client.ts";
import { ROOT } from "../../src/cli/settings.ts";
import { Parley } from "../../src/client/parley.ts";
import { cleanUp, startServer, temporaryFolder } from "../system/server.ts";
import { signedFor } from "../system/token.ts";
import { closeBrowser, signedOut } from "./people.ts";

/** examples/plain-page as it is, at another origin, with the package beside it and without a bundler. */

const TYPES: Record<string, string> = { ".html": "text/html", ".js": "text/javascript" };
/** Code is not evaluated, and comes from nowhere else. */
const POLICY = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'";

let site: Server;
let address: string;
let origin: string;

beforeAll(async () => {
  site = await served();
  const place = site.address();
  origin = `http://localhost:${typeof place === "object" ? place?.port : ""}`;
  const options = ["--inspector-port", "0", "--var", `ALLOWED_ORIGINS:${origin}`];
  ({ address } = await startServer(await temporaryFolder(), ...options));
});
afterAll(async () => {
  await closeBrowser();
  site.close();
  await cleanUp();
});

/** The page, and the files of the package in the folder that its import map names. */
async function served(): Promise<Server> {
  const { files } = await clientPackage();
  const page = await readFile(`${ROOT}/examples/plain-page/index.html`, "utf8");
  const server = createServer(({ url = "/" }, response) => {
    const name = url.slice(1).replace("parley-chat-client/", "");
    response.setHeader("Content-Type", TYPES[extname(name)] ?? "text/plain");
    response.setHeader("Content-Security-Policy", `${POLICY}; connect-src *`);
    response.end(name === "index.html" ? page : files.get(name));
  });
  return new Promise((resolve) => server.listen(0, "localhost", () => resolve(server)));
}

test("two people talk, one of them on a page with an import map", async () => {
  const token = await signedFor("lena");
  const max = new Parley({ url: address, token: () => signedFor("max") });
  await max.rest.conversations();

  const page = await signedOut(`${origin}/empty`);
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) complaints.push(message.text());
  });
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
      console.error(`refused: ${blockedURI} by ${violatedDirective}`),
    );
  });
  const given = new URLSearchParams({ url: address, token, with: "max" });
  await page.goto(`${origin}/index.html#${given}`);
  await page.getByRole("status").getByText("Connected").waitFor();
  await page.getByRole("textbox", { name: "Message" }).fill("Hello Max!");
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByText("lena: Hello Max!").waitFor();

  const { conversationId } = await max.rest.direct("lena");
  const his = await max.conversation(conversationId).connect().live();
  expect(his.messages.map(({ content }) => content)).toEqual(["Hello Max!"]);
  await his.send("Hello Lena <b>!");
  await page.getByText("max: Hello Lena <b>!").waitFor();
  expect(await page.getByRole("listitem").count()).toBe(2);
  his.close();
  expect(complaints).toEqual([]);
});
