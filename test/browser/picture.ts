import { crc32, deflateSync } from "node:zlib";

/** A PNG with colour gradients. */
export function picture(width: number, height: number): Buffer {
  const rows = Array.from({ length: height }, (_, y) => [
    0,
    ...Array.from({ length: width }, (_, x) => colourAt(x / width, y / height)).flat(),
  ]);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // Eight bits for each of three colours.
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Uint8Array.from(rows.flat()))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** Colours like an evening at the sea. */
function colourAt(x: number, y: number): number[] {
  const isSun = (x - 0.68) ** 2 * 2.4 + (y - 0.5) ** 2 < 0.012;
  if (y > 0.62) return [40 + 60 * (1 - y), 60 + 50 * x * (1 - y), 110 - 60 * y].map(Math.round);
  if (isSun) return [255, 226, 150];
  return [250 - 60 * (1 - y), 120 + 90 * y, 120 + 60 * (1 - y)].map(Math.round);
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
