/** Fetches a token, now or in a moment. */
export type TokenSource = () => string | Promise<string>;

/** A token that is asked for once and kept until the server no longer takes it. */
export class Tokens {
  private readonly source: TokenSource;
  private current: Promise<string> | undefined;

  constructor(source: TokenSource) {
    this.source = source;
  }

  /** The token; whoever asks while it is being fetched gets the same. Rejects as the source does. */
  get(): Promise<string> {
    if (this.current) return this.current;
    const fetching = Promise.resolve().then(this.source);
    this.current = fetching;
    fetching.catch(() => {
      if (this.current === fetching) this.current = undefined;
    });
    return fetching;
  }

  /** The server did not take `token`: the next to ask gets another, unless somebody has it already. */
  async refuse(token: string): Promise<void> {
    const { current } = this;
    const known = await current?.catch(() => undefined);
    if (known === token && this.current === current) this.current = undefined;
  }
}
