/** The part of the D-Bus protocol that a desktop's notifications need: little-endian, without descriptors. */

export interface Call {
  serial: number;
  member: string;
  body: Reader;
}

/** A value of a message's body: text, an unsigned number, a boolean or texts. */
export type Value = string | number | boolean | readonly string[];

const FIELD = { path: 1, interface: 2, member: 3, error: 4, reply: 5, destination: 6, sender: 7 };
const SIGNATURE = 8;
const TYPE = { call: 1, answer: 2, error: 3, signal: 4 };

/** Reads marshalled values in order. */
export class Reader {
  private readonly bytes: Buffer;
  private at: number;

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes;
    this.at = at;
  }

  get place(): number {
    return this.at;
  }

  align(to: number): void {
    this.at = Math.ceil(this.at / to) * to;
  }

  byte(): number {
    return this.bytes.readUInt8(this.at++);
  }

  number(): number {
    this.align(4);
    this.at += 4;
    return this.bytes.readUInt32LE(this.at - 4);
  }

  text(): string {
    return this.textOf(this.number());
  }

  signature(): string {
    return this.textOf(this.byte());
  }

  private textOf(length: number): string {
    this.at += length + 1;
    return this.bytes.toString("utf8", this.at - length - 1, this.at - 1);
  }
}

/** The first message of received bytes, and how many it has; `undefined` until it is complete. */
export function firstMessage(
  bytes: Buffer,
): { call: Call | undefined; length: number } | undefined {
  if (bytes.length < 16) return undefined;
  const [type, bodyLength, serial] = [bytes[1], bytes.readUInt32LE(4), bytes.readUInt32LE(8)];
  const bodyAt = Math.ceil((16 + bytes.readUInt32LE(12)) / 8) * 8;
  const length = bodyAt + bodyLength;
  if (bytes.length < length) return undefined;
  const reader = new Reader(bytes, 16);
  let member = "";
  while (reader.place < 16 + bytes.readUInt32LE(12)) {
    reader.align(8);
    const field = reader.byte();
    const signature = reader.signature();
    if (signature === "u") reader.number();
    else if (signature === "g") reader.signature();
    else if (field === FIELD.member) member = reader.text();
    else reader.text();
  }
  const body = new Reader(bytes.subarray(bodyAt, length));
  return { call: type === TYPE.call ? { serial, member, body } : undefined, length };
}

/** Writes messages of one bus. */
export class Writer {
  private serial = 0;

  answer(to: number, destination: string, ...values: Value[]): Buffer {
    const fields = [this.reply(to), text(FIELD.destination, destination), sender(BUS)];
    return this.message(TYPE.answer, fields, values);
  }

  error(to: number, destination: string): Buffer {
    const name = "org.freedesktop.DBus.Error.UnknownMethod";
    const fields = [
      ...[this.reply(to), text(FIELD.error, name)],
      ...[text(FIELD.destination, destination), sender(BUS)],
    ];
    return this.message(TYPE.error, fields, []);
  }

  signal(from: { path: string; name: string; owner: string }, member: string, ...values: Value[]) {
    const path = field(FIELD.path, "o", textBytes(from.path));
    const fields = [
      ...[path, text(FIELD.interface, from.name), text(FIELD.member, member)],
      sender(from.owner),
    ];
    return this.message(TYPE.signal, fields, values);
  }

  private reply(to: number): Buffer {
    return field(FIELD.reply, "u", uint32(to));
  }

  private message(type: number, fields: readonly Buffer[], values: readonly Value[]): Buffer {
    const signature = values.map(signatureOf).join("");
    const all = signature === "" ? fields : [...fields, signatureField(signature)];
    const body = values.reduce<Buffer>((bytes, value) => append(bytes, value), Buffer.alloc(0));
    const header = all.reduce((bytes, one) => Buffer.concat([padded(bytes, 8), one]));
    const start = Buffer.from([0x6c, type, 0, 1]);
    const sizes = [body.length, ++this.serial, header.length].map(uint32);
    return Buffer.concat([padded(Buffer.concat([start, ...sizes, header]), 8), body]);
  }
}

const BUS = "org.freedesktop.DBus";

function append(bytes: Buffer, value: Value): Buffer {
  const start = padded(bytes, 4);
  if (typeof value === "string") return Buffer.concat([start, textBytes(value)]);
  if (typeof value !== "object") return Buffer.concat([start, uint32(Number(value))]);
  const items = value.reduce<Buffer>((all, one) => append(all, one), Buffer.alloc(0));
  return Buffer.concat([start, uint32(items.length), items]);
}

function signatureOf(value: Value): string {
  if (typeof value === "string") return "s";
  if (typeof value === "number") return "u";
  return typeof value === "boolean" ? "b" : "as";
}

function field(code: number, signature: string, value: Buffer): Buffer {
  const start = Buffer.concat([Buffer.from([code]), signatureBytes(signature)]);
  return Buffer.concat([padded(start, 4), value]);
}

function text(code: number, value: string): Buffer {
  return field(code, "s", textBytes(value));
}

function sender(name: string): Buffer {
  return text(FIELD.sender, name);
}

function signatureField(signature: string): Buffer {
  return Buffer.concat([Buffer.from([SIGNATURE]), signatureBytes("g"), signatureBytes(signature)]);
}

function signatureBytes(signature: string): Buffer {
  return Buffer.concat([Buffer.from([signature.length]), Buffer.from(`${signature}\0`)]);
}

function textBytes(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint32(bytes.length), bytes, Buffer.from([0])]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function padded(bytes: Buffer, to: number): Buffer {
  const missing = (to - (bytes.length % to)) % to;
  return Buffer.concat([bytes, Buffer.alloc(missing)]);
}
