/** Answers to searches for names, which are asked for once. */
export class Names<One> {
  private readonly known = new Map<string, { items: readonly One[]; isAll: boolean }>();

  /** What was found for a text, or must be for one that goes on where nothing was found; `undefined`: not known. */
  of(text: string): readonly One[] | undefined {
    const same = this.known.get(text)?.items;
    if (same) return same;
    const isVain = [...this.known].some(
      ([begun, { items, isAll }]) => isAll && items.length === 0 && text.startsWith(begun),
    );
    return isVain ? [] : undefined;
  }

  learn(text: string, items: readonly One[], isAll: boolean): void {
    this.known.set(text, { items, isAll });
  }
}
