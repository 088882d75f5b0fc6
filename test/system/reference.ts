import { readFile } from "node:fs/promises";
import { validate } from "@readme/openapi-parser";
import { beforeAll, describe, expect, test } from "vitest";
import { Reference } from "../reference.ts";
import { run, type Server, temporaryFolder } from "./server.ts";
import { tokenWith } from "./token.ts";

/** The reference in public tools: a validator, a browser, Postman. And an operator's rebuild. */

interface Document {
  paths: Record<string, Record<string, { operationId: string }>>;
}

/** Tests on a running server, because starting another one takes five seconds. */
export function describeReference(server: () => Server): void {
  describe("the reference", () => {
    let document: Document;
    const operations = () => Object.values(document.paths).flatMap((item) => Object.values(item));
    beforeAll(async () => {
      document = await (await fetch(`${server().address}/openapi.json`)).json();
    });

    test("a public validator accepts it, and every operation has a unique name", async () => {
      const found = await validate(structuredClone(document) as never);
      expect(found).toMatchObject({ valid: true, warnings: [] });
      const names = operations().map(({ operationId }) => operationId);
      expect(names.length).toBeGreaterThan(45);
      expect(new Set(names).size).toBe(names.length);
    });

    test("/docs shows it, and loads nothing from other origins", async () => {
      const page = await fetch(`${server().address}/docs`);
      expect(page.headers.get("Content-Security-Policy")).toMatch(
        /^default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; /,
      );
      const html = await page.text();
      expect(html).not.toMatch(/https?:|\/\/\w/);
      const [, script = ""] = /<script [^>]*src="([^"]+)"/.exec(html) ?? [];
      const viewer = await fetch(server().address + script);
      expect(viewer.headers.get("Content-Type")).toMatch(/^text\/javascript/);
      expect(await viewer.text()).toContain("openapi-explorer");
    });

    test("npm run postman writes a collection that newman runs, with the documented answers", async () => {
      const folder = await temporaryFolder();
      const [file, report] = [`${folder}/collection.json`, `${folder}/report.json`];
      await run("npm", "run", "-s", "postman", "--", server().address, "--out", file);
      const variables = Object.entries(await variablesOf(server())).flatMap(([name, value]) => [
        "--env-var",
        `${name}=${value}`,
      ]);
      const reporting = ["--reporters", "json", "--reporter-json-export", report];
      const newman = ["node_modules/newman/bin/newman.js", "run", file];
      await run(process.execPath, ...newman, ...variables, ...reporting);
      const { executions, failures } = JSON.parse(await readFile(report, "utf8")).run;
      expect(failures).toEqual([]);
      expect(executions).toHaveLength(operations().length);
      const reference = new Reference(document);
      const answers = executions.map(answerOf);
      const breaches = answers.map(({ method, path, status, body }: ReturnType<typeof answerOf>) =>
        reference.breachOf(method, path, status, body),
      );
      expect(breaches.filter(Boolean)).toEqual([]);
      const good = answers.filter(({ status }: { status: number }) => status < 300);
      expect(good.length).toBeGreaterThan(35);
    });

    test("npm run rebuild covers all conversations in D1, for admins only", async () => {
      const command = [process.execPath, "src/cli/rebuild.ts", server().address];
      const asked = (token: string) => run("env", `PARLEY_TOKEN=${token}`, ...command);
      const lines = (await asked(await tokenWith("postman", { role: "admin" }))).split("\n");
      expect(lines).toHaveLength(2);
      expect(lines[0]).toMatch(/^(\d+) of \1$/);
      expect(lines[1]).toBe("done");
      await expect(asked(await tokenWith("alice", { role: "support" }))).rejects.toMatchObject({
        stderr: expect.stringMatching(/^403 {"error":.*}\n$/),
      });
    });
  });
}

/** One request and its answer in newman's report. */
function answerOf({ request, response }: Execution) {
  const { code: status, stream, header } = response;
  const path = `/${request.url.path.join("/")}`.replace(/:(\w+)/g, (_, name) => {
    const found = request.url.variable.find(({ key }) => key === name);
    return encodeURIComponent(found?.value ?? "");
  });
  const json = header.some(({ value }) => value.startsWith("application/json"));
  const text = Buffer.from(stream.data).toString();
  return { method: request.method, path, status, body: json ? JSON.parse(text) : undefined };
}

interface Execution {
  request: {
    method: string;
    url: { path: string[]; variable: { key: string; value: string }[] };
  };
  response: { code: number; stream: { data: number[] }; header: { value: string }[] };
}

/** Users and conversations for the collection's variables. */
async function variablesOf(server: Server): Promise<Record<string, string>> {
  const bearerToken = await tokenWith("postman", { role: "admin" });
  const call = async (method: string, path: string, body: object) => {
    const response = await fetch(server.address + path, {
      method,
      headers: { Authorization: `Bearer ${bearerToken}`, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    expect(response.ok, path).toBe(true);
    return response.json();
  };
  const [otherUserId, thirdUserId, fourth] = ["other", "third", "fourth"];
  const users = [otherUserId, thirdUserId, fourth].map((id) => ({ id }));
  await call("PUT", "/api/users", { users });
  const unihub = "/api/v1/chat";
  const { conversationId } = await call("POST", `${unihub}/conversations/direct`, { otherUserId });
  const message = { conversationId, content: "hello" };
  const { messageId } = await call("POST", `${unihub}/messages`, message);
  const participantIds = [thirdUserId, fourth];
  const group = await call("POST", `${unihub}/conversations/group`, { participantIds });
  const channel = { name: "Channel", isPublic: false };
  const { channelId } = await call("POST", `${unihub}/channels`, channel);
  const chat = { type: "group", participantIds };
  const chatId = (await call("POST", "/api/chat", chat)).data.chat._id;
  const sent = await call("POST", `/api/chat/${chatId}/messages`, { content: "hello" });
  return {
    ...{ bearerToken, otherUserId, thirdUserId, conversationId, messageId, channelId, chatId },
    ...{ groupId: group.conversationId, chatMessageId: sent.data.message._id, fileKey: "none" },
  };
}
