import { DurableObject } from "cloudflare:workers";

/** Answers with bytes from memory: the cost of a read without storage. */
export class Memory extends DurableObject {
  private bytes = "";

  keep(bytes: string): void {
    this.bytes = bytes;
  }

  read(): string {
    return this.bytes;
  }
}
