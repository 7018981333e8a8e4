import { textAt } from "../json-member.ts";
import { unavailable } from "../unavailable.ts";

/** The text of a secret's version, whose checksum must be right, as Google asks its readers to see to. */
export function payloadText(json: unknown, name: string): string {
  const bytes = Buffer.from(textAt(json, ["payload", "data"], name), "base64");
  const checksum = textAt(json, ["payload", "dataCrc32c"], name);
  if (checksum !== String(crc32c(bytes))) throw unavailable(name, "arrived damaged");
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    if (text.trim() !== "") return text;
  } catch {
    throw unavailable(name, "the secret is binary, and not UTF-8 text");
  }
  throw unavailable(name, "the secret is empty");
}

/** CRC-32C (RFC 3720, appendix B.4), reflected. Secrets are at most 64 KiB, so a bit at a time will do. */
export function crc32c(bytes: Uint8Array): number {
  let rest = 0xff_ff_ff_ff;
  for (const byte of bytes) {
    rest ^= byte;
    for (let bit = 0; bit < 8; bit += 1)
      rest = rest & 1 ? (rest >>> 1) ^ 0x82_f6_3b_78 : rest >>> 1;
  }
  return (rest ^ 0xff_ff_ff_ff) >>> 0;
}
