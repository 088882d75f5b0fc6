import { env } from "cloudflare:workers";
import type { JobKind } from "../../src/domain/job.ts";
import type { AnyJob } from "../../src/jobs/kind.ts";
import { hexOf, type Unpacked, unpack } from "./unpack.ts";
import { replaced } from "./with-kills.ts";

/** Reads archives as an importer would, by `docs/export.md` and nothing else. */

// biome-ignore lint/suspicious/noExplicitAny: tests look at whatever is in an archive
export type Json = any;

export class Archive {
  readonly manifest: Json;
  readonly entries: Map<string, Unpacked>;

  private constructor(entries: readonly Unpacked[]) {
    this.entries = new Map(entries.map((entry) => [entry.path, entry]));
    this.manifest = JSON.parse(this.entries.get("manifest.json")?.text ?? "null");
  }

  /** The archive of a job. Throws where its manifest is not what it has. */
  static async of(jobId: string): Promise<Archive> {
    const object = await env.FILES.get(`exports/${jobId}.tar`);
    if (!object) throw new Error("no archive");
    const entries = await unpack(object.body);
    const archive = new Archive(entries);
    archive.check(entries);
    return archive;
  }

  /** The lines of a list. */
  list(name: string): Json[] {
    return [...this.entries.values()]
      .filter(({ path }) => new RegExp(`^${name}-\\d{4}\\.jsonl$`).test(path))
      .flatMap(({ text }) =>
        text
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line)),
      );
  }

  single(name: string): Json {
    return JSON.parse(this.entries.get(`${name}.json`)?.text ?? "null");
  }

  /** Everything but the files, as text. */
  text(): string {
    return [...this.entries.values()].map(({ text }) => text).join("\n");
  }

  private check(entries: readonly Unpacked[]): void {
    if (entries.at(-1)?.path !== "manifest.json") throw new Error("the manifest is not the last");
    if (entries.length !== this.entries.size) throw new Error("a path is there twice");
    const files = this.list("files").filter(({ missing }) => !missing);
    const named = [...this.manifest.entries, ...files];
    if (named.length !== entries.length - 1) throw new Error("an entry is not in the manifest");
    for (const { path, size, sha256, lines } of named) {
      const entry = this.entries.get(path);
      if (entry?.size !== size || entry?.sha256 !== sha256) throw new Error(`${path} differs`);
      if (lines !== undefined && entry?.text.split("\n").length !== lines + 1) {
        throw new Error(`${path} has other lines`);
      }
    }
    if (this.manifest.files.count !== files.length) throw new Error("the count of files differs");
  }
}

/** Runs `before` ahead of every question that a job of a kind asks a conversation; the answer ends that. */
export function beforeQuestions(kind: JobKind, before: (of: string) => Promise<void>): () => void {
  return replaced(kind, (real) => {
    if (!real) throw new Error("no such kind");
    const asked: AnyJob = {
      ...real,
      accepts: (params) => real.accepts(params),
      begin: (params) => real.begin(params),
      undo: (context, params, state) => real.undo(context, params, state),
      step: (context, params, state) => {
        const namespace = new Proxy(context.env.CONVERSATIONS, {
          get: (target, name) => {
            if (name !== "getByName") return Reflect.get(target, name);
            return (id: string) => {
              const stub: Json = target.getByName(id);
              return {
                exported: async (part: Json, after: Json) => {
                  await before(part.of);
                  return stub.exported(part, after);
                },
              };
            };
          },
        });
        const bindings = { ...context.env, CONVERSATIONS: namespace };
        return real.step({ ...context, env: bindings }, params, state);
      },
    };
    return asked;
  });
}

/** The SHA-256 of what R2 has. */
export async function hashOf(key: string): Promise<string> {
  const object = await env.FILES.get(key);
  if (!object) throw new Error(`no ${key}`);
  return hexOf(await crypto.subtle.digest("SHA-256", await object.arrayBuffer()));
}
