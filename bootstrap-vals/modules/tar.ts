/** Files of a tar archive, as npm makes them: regular files only, by their path below the one folder that holds all. */

import { Fault } from "./fault.ts";

const BLOCK_BYTES = 512;
const FILES_MAX = 20_000;

export interface TarFile {
  path: string;
  bytes: Uint8Array<ArrayBuffer>;
}

export function* readTar(archive: Uint8Array<ArrayBuffer>): Generator<TarFile> {
  const decoder = new TextDecoder();
  const text = (from: number, length: number) => {
    let end = from;
    while (end < from + length && archive[end] !== 0) end++;
    return decoder.decode(archive.subarray(from, end));
  };
  let longPath: string | undefined;
  let files = 0;
  for (let at = 0; at + BLOCK_BYTES <= archive.length && archive[at] !== 0;) {
    const size = sizeAt(archive, at + 124, text);
    const type = String.fromCharCode(archive[at + 156] as number);
    const content = archive.subarray(at + BLOCK_BYTES, at + BLOCK_BYTES + size);
    if (content.length < size) throw new Fault("The archive is cut off");
    const prefix = text(at + 257, 5) === "ustar" ? text(at + 345, 155) : "";
    const name = text(at, 100);
    at += BLOCK_BYTES + Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
    if (type === "x" || type === "g") {
      const path = type === "x" ? paxPath(decoder.decode(content)) : undefined;
      longPath = path ?? longPath;
    } else if (type === "L") longPath = decoder.decode(content).replace(/\0+$/, "");
    else {
      const whole = longPath ?? (prefix === "" ? name : `${prefix}/${name}`);
      longPath = undefined;
      // Links, folders and devices are of no use to a program.
      if (type !== "0" && type !== "\0") continue;
      if (++files > FILES_MAX) throw new Fault(`The archive has more than ${FILES_MAX} files`);
      const path = whole.replace(/^\.?\/*[^/]+\//, "");
      if (path.split("/").some((segment) => segment === ".." || segment === ".")) continue;
      yield { path, bytes: content };
    }
  }
}

function sizeAt(archive: Uint8Array, at: number, text: (from: number, length: number) => string): number {
  // More than eight octal digits of bytes come as a binary number; nothing that fits into memory does.
  if ((archive[at] as number) & 0x80) throw new Fault("The archive has a file that is too large");
  const size = Number.parseInt(text(at, 12).trim() || "0", 8);
  if (!(size >= 0)) throw new Fault("The archive is damaged");
  return size;
}

function paxPath(records: string): string | undefined {
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(records)?.[1];
}
