import type { Result, Router } from "hono/router";
import { TrieRouter } from "hono/router/trie-router";

/**
 * Caches the matches of Hono's trie router for paths without parameters. Hono's faster router does not
 * support `/conversations/direct` beside `/conversations/:id`.
 */
export class CachingRouter<T> implements Router<T> {
  readonly name = "CachingRouter";
  private readonly trie = new TrieRouter<T>();
  private readonly literals = new Set<string>();
  private readonly found = new Map<string, Result<T>>();

  add(method: string, path: string, handler: T): void {
    this.trie.add(method, path, handler);
    this.found.clear();
    if (!/[:*]/.test(path)) this.literals.add(path);
  }

  match(method: string, path: string): Result<T> {
    // Bounded by the routes that there are, and the methods of HTTP.
    if (!this.literals.has(path) || !METHODS.has(method)) return this.trie.match(method, path);
    const key = `${method} ${path}`;
    let found = this.found.get(key);
    if (!found) {
      found = this.trie.match(method, path);
      this.found.set(key, found);
    }
    return found;
  }
}

const METHODS = new Set(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
