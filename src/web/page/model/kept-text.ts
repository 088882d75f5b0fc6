/**
 * The text of a draft, kept in this tab of the browser: restored after a reload or a new sign-in.
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
      // Storage is unavailable: nothing is restored.
      return "";
    }
  }

  put(text: string): void {
    try {
      if (text === "") sessionStorage.removeItem(this.key);
      else sessionStorage.setItem(this.key, text);
    } catch {
      // Storage is full or forbidden: the text stays in its field.
    }
  }
}
