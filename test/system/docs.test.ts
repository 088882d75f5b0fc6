import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { jwtVerify } from "jose";
import { afterAll, describe, expect, test } from "vitest";
import { unstable_readConfig } from "wrangler";
import { z } from "zod";
import { ROOT } from "../../src/cli/settings.ts";
import { cleanUp, temporaryFolder } from "./server.ts";

/** Links, paths, lists and configuration in the documentation are those of the repository. */

const FOLDERS = [".", "docs", "docs/decisions", "examples", ".github", ".github/ISSUE_TEMPLATE"];
const pages = FOLDERS.flatMap((folder) =>
  readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name)),
);

/** What is compared of Wrangler's configuration. */
const configuration = z.object({
  name: z.string(),
  routes: z.array(z.unknown()).optional(),
  workers_dev: z.boolean().optional(),
  durable_objects: z.object({
    bindings: z.array(z.object({ name: z.string(), class_name: z.string() })),
  }),
  ratelimits: z.array(
    z.object({ name: z.string(), namespace_id: z.string(), simple: z.unknown() }),
  ),
  d1_databases: z.array(z.object({ binding: z.string(), migrations_dir: z.string() })),
  r2_buckets: z.array(z.object({ binding: z.string() })),
});
type Configuration = z.infer<typeof configuration>;

const configOf = (config: string, env?: string): Configuration =>
  configuration.parse(unstable_readConfig({ config, ...(env && { env }) }));

afterAll(cleanUp);

const textOf = (page: string) => readFileSync(join(ROOT, page), "utf8");
const withoutCode = (text: string) => text.replace(/^```.*?^```$/gms, "");

/** The anchors of a page's headings, as GitHub derives them. */
function anchorsOf(page: string): string[] {
  return [...withoutCode(textOf(page)).matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

describe.each(pages)("%s", (page) => {
  test("links to files and headings that exist", () => {
    const broken = [...withoutCode(textOf(page)).matchAll(/\]\((?!\w+:)([^)#]*)#?([^)]*)\)/g)]
      .map(([link, path = "", anchor = ""]) => {
        const target = path === "" ? page : normalize(join(dirname(page), path));
        if (!existsSync(join(ROOT, target))) return link;
        return anchor === "" || anchorsOf(target).includes(anchor) ? "" : link;
      })
      .filter(Boolean);
    expect(broken).toEqual([]);
  });

  test("names source files that exist, and no document outside the repository", () => {
    const text = withoutCode(textOf(page));
    const named = [...text.matchAll(/`((?:src|test|migrations|docs)\/[\w./-]*)`/g)];
    const missing = named
      .map(([, path = ""]) => path)
      .filter((path) => !existsSync(join(ROOT, path)));
    expect(missing).toEqual([]);
    expect(text).not.toMatch(/\.\.\/shared|\b(?:design|contract|platform|style)\.md\b/);
  });
});

describe("decisions", () => {
  const files = readdirSync(`${ROOT}/docs/decisions`).filter((name) => name !== "README.md");
  const list = textOf("docs/decisions/README.md");
  const listed = [...list.matchAll(/^\| \[(\d{4})\]\((.*?)\) \| (.*) \| (.*) \| (.*) \|$/gm)];

  test("are numbered without a gap and listed in order", () => {
    const numbers = files.toSorted().map((name) => Number(name.slice(0, 4)));
    expect(numbers).toEqual(files.map((_, index) => index + 1));
    expect(listed.map(([, , file]) => file)).toEqual(files.toSorted());
  });

  test.each(listed.map(([, ...cells]) => cells))("%s: %s", (number, file, title, date, status) => {
    const [head = "", ...parts] = textOf(`docs/decisions/${file}`).split(/^## .*$/m);
    expect(head).toBe(`# ${number}: ${title}\n\nDate: ${date}\n\nStatus: ${status}\n\n`);
    expect(date).toMatch(/^\d{4}-\d{2}-\d{2}$/);
    expect(status).toMatch(/^(?:accepted|superseded by \[\d{4}\]\(.*\))$/);
    const headings = textOf(`docs/decisions/${file}`).match(/^## .*$/gm);
    expect(headings).toEqual(["## Context", "## Decision", "## Consequences"]);
    for (const part of parts) expect(part.trim()).not.toBe("");
  });
});

describe("docs/architecture.md", () => {
  const text = textOf("docs/architecture.md");

  test("lists every folder and file at the top of src/, and only what exists", () => {
    const [, table = ""] = text.split("## Layout");
    const [rows = ""] = table.split("Tests are in");
    const named = [...rows.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = ""]) => {
      const [first = "", ...rest] = [...cell.matchAll(/`(.*?)`/g)].map(([, path = ""]) => path);
      // "`conversation/api.ts`, `stub.ts`": a path, and others beside it.
      return [first, ...rest.map((path) => join(dirname(first), path))];
    });
    expect(named.filter((path) => !existsSync(join(ROOT, "src", path)))).toEqual([]);
    const tops = new Set(named.map((path) => path.split("/")[0]));
    const present = readdirSync(`${ROOT}/src`).filter((name) => name !== "modules.d.ts");
    expect([...tops].toSorted()).toEqual(present.toSorted());
  });

  test("has a glossary of ten to twenty terms", () => {
    const [, glossary = ""] = text.split("## Glossary");
    const terms = glossary.match(/^\| \*\*/gm) ?? [];
    expect(terms.length).toBeGreaterThanOrEqual(10);
    expect(terms.length).toBeLessThanOrEqual(20);
  });

  test("knows the Durable Objects that are bound", () => {
    const { durable_objects } = configOf(`${ROOT}/wrangler.toml`);
    expect(durable_objects.bindings.length).toBeGreaterThan(0);
    for (const { class_name } of durable_objects.bindings) {
      expect(text).toContain(`| \`${class_name}\` |`);
    }
  });
});

describe("docs/operations.md", () => {
  const text = textOf("docs/operations.md");

  test("gives a staging environment that binds all that production binds", async () => {
    const [, staging = ""] = /^```toml\n(\[env\.staging\].*?)^```$/ms.exec(text) ?? [];
    const config = join(await temporaryFolder(), "wrangler.toml");
    await writeFile(config, textOf("wrangler.toml") + staging);
    const production = configOf(config);
    const other = configOf(config, "staging");
    const bindings = ({ durable_objects, ratelimits, d1_databases, r2_buckets }: Configuration) => [
      ...durable_objects.bindings.map(({ name, class_name }) => [name, class_name]),
      ...ratelimits.map(({ name, simple }) => [name, simple]),
      ...d1_databases.map(({ binding, migrations_dir }) => [binding, migrations_dir]),
      ...r2_buckets.map(({ binding }) => [binding]),
    ];
    expect(bindings(other)).toEqual(bindings(production));
    const ids = (one: Configuration) => one.ratelimits.map(({ namespace_id }) => namespace_id);
    expect(ids(production).filter((id) => ids(other).includes(id))).toEqual([]);
    expect(other).toMatchObject({ name: "parley-staging", routes: [], workers_dev: true });
  });

  test("has a route that is read where it says that it is written", async () => {
    const [, route = ""] = /^```toml\n(routes = .*?)^```$/ms.exec(text) ?? [];
    const config = join(await temporaryFolder(), "wrangler.toml");
    await writeFile(config, textOf("wrangler.toml").replace(/^\[build\]$/m, `${route}$&`));
    expect(configOf(config).routes).toEqual([{ pattern: "chat.example", custom_domain: true }]);
  });

  test("signs an admin's token with production's secret", async () => {
    const [, script = ""] = /^(node --input-type=module -e .*?)^```$/ms.exec(text) ?? [];
    const secret = "a-production-secret-0123456789abcdef";
    const env = { ...process.env, JWT_SECRET: `${secret},an-older-one` };
    const { stdout, stderr } = spawnSync("bash", ["-euc", script], { cwd: ROOT, env });
    const token = stdout.toString().trim();
    const { payload } = await jwtVerify(token, new TextEncoder().encode(secret)).catch(() => {
      throw new Error(`no token: ${stdout} ${stderr}`);
    });
    expect(payload).toMatchObject({ sub: "operator", role: "admin" });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(3_600);
  });
});
