import type { Transform } from "node:stream";
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from "node:zlib";

/** What decodes a body whose upstream encoded it although it was asked not to. */
export type Decoding =
  | { readonly kind: "none" }
  | { readonly kind: "decode"; readonly decoder: Transform }
  /** Nothing here can read it, so nothing here can say that no secret is in it. */
  | { readonly kind: "unknown" };

const NONE: Decoding = { kind: "none" };

/** Reads `Content-Encoding`. One encoding at most: nobody stacks them, but to hide something. */
export function decodingOf(contentEncoding: string | readonly string[] | undefined): Decoding {
  if (contentEncoding === undefined) return NONE;
  switch (String(contentEncoding).trim().toLowerCase()) {
    case "":
    case "identity":
      return NONE;
    case "gzip":
    case "x-gzip":
      return { kind: "decode", decoder: createGunzip() };
    case "deflate":
      return { kind: "decode", decoder: createInflate() };
    case "br":
      return { kind: "decode", decoder: createBrotliDecompress() };
    case "zstd":
      return { kind: "decode", decoder: createZstdDecompress() };
    default:
      return { kind: "unknown" };
  }
}
