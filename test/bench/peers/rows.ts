import { DurableObject } from "cloudflare:workers";
import { createTable, fillTable } from "./table.ts";

/** Message rows in a table like Parley's, read by one SELECT and serialized as JSON. */
export class Rows extends DurableObject {
  /** Fills the table with `count` messages. */
  fill(count: number): void {
    createTable(this.ctx.storage.sql);
    fillTable(this.ctx.storage.sql, count);
  }

  read(): string {
    return JSON.stringify(this.ctx.storage.sql.exec("SELECT * FROM messages").toArray());
  }
}
