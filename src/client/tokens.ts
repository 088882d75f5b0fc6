/** Returns a token, now or later. */
export type TokenSource = () => string | Promise<string>;

/** Caches a token until the server rejects it. */
export class Tokens {
  private readonly source: TokenSource;
  private current: Promise<string> | undefined;

  constructor(source: TokenSource) {
    this.source = source;
  }

  /** The token; concurrent calls share one fetch. Rejects as the source does. */
  get(): Promise<string> {
    if (this.current) return this.current;
    const fetching = Promise.resolve().then(this.source);
    this.current = fetching;
    fetching.catch(() => {
      if (this.current === fetching) this.current = undefined;
    });
    return fetching;
  }

  /** The server rejected `token`: the next call fetches another, unless that has happened already. */
  async refuse(token: string): Promise<void> {
    const { current } = this;
    const known = await current?.catch(() => undefined);
    if (known === token && this.current === current) this.current = undefined;
  }
}
