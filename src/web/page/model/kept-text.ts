/**
 * A text that somebody is writing, kept in this tab of the browser: it is there again when the page is
 * loaded anew, or a token had to be renewed.
 */
export class KeptText {
  private readonly key: string;

  constructor(userId: string, conversationId: string) {
    this.key = `parley:draft:${userId}:${conversationId}`;
  }

  get text(): string {
    try {
      return sessionStorage.getItem(this.key) ?? "";
    } catch {
      // No storage here: then nothing was kept.
      return "";
    }
  }

  put(text: string): void {
    try {
      if (text === "") sessionStorage.removeItem(this.key);
      else sessionStorage.setItem(this.key, text);
    } catch {
      // Full or forbidden: the text stands in its field all the same.
    }
  }
}
