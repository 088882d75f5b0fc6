import { DurableObject } from "cloudflare:workers";

/** Answers with the bytes that it was given, from memory: what a read costs that reads nothing. */
export class Memory extends DurableObject {
  private bytes = "";

  keep(bytes: string): void {
    this.bytes = bytes;
  }

  read(): string {
    return this.bytes;
  }
}
