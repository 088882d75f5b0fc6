import type { Result, Router } from "hono/router";
import { TrieRouter } from "hono/router/trie-router";

/**
 * Hono's router for patterns that its faster one does not take, such as `/conversations/direct` beside
 * `/conversations/:id`; what it finds for a path without parameters is remembered.
 */
export class RememberingRouter<T> implements Router<T> {
  readonly name = "RememberingRouter";
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
