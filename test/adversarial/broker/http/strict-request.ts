/** A request that can be read in one way only. */
export interface StrictRequest {
  readonly method: string;
  readonly target: string;
  /** Names as they came, in order. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly framing: "none" | "length" | "chunked";
  readonly body: Buffer;
}

/** What the bytes at the front of a connection are. */
export type StrictReading =
  | { readonly kind: "request"; readonly request: StrictRequest; readonly end: number }
  /** More bytes may make it one. `head` is there once the head is whole. */
  | {
      readonly kind: "incomplete";
      readonly head: Pick<StrictRequest, "method" | "target"> | undefined;
    }
  | { readonly kind: "ambiguous"; readonly why: string };

type Framed =
  | { readonly body: Buffer; readonly end: number }
  | "incomplete"
  | { readonly why: string };

/**
 * Reads a request as the strictest server would (RFC 9112), and knows nothing of how others read: it
 * shares no code with what it judges. What is not exactly so is ambiguous.
 */
export function readStrictly(bytes: Buffer): StrictReading {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd === -1) return { kind: "incomplete", head: undefined };
  const lines = bytes.subarray(0, headEnd).toString("latin1").split("\r\n");
  const [first = "", ...rest] = lines;
  const [, method, target] = /^([A-Z]+) (\/[!-~]*) HTTP\/1\.1$/.exec(first) ?? [];
  if (method === undefined || target === undefined) return ambiguous(`the line ${first}`);
  const headers: (readonly [string, string])[] = [];
  for (const line of rest) {
    const [, name, value] =
      /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([\t\x20-\x7e\x80-\xff]*)$/.exec(line) ?? [];
    if (name === undefined || value === undefined) return ambiguous(`the header ${line}`);
    headers.push([name, value]);
  }
  const all = (wanted: string): readonly string[] =>
    headers.flatMap(([name, value]) => (name.toLowerCase() === wanted ? [value] : []));
  if (all("host").length !== 1) return ambiguous("not one host");
  const [lengths, encodings] = [all("content-length"), all("transfer-encoding")];
  if (lengths.length + encodings.length > 1) return ambiguous("more than one framing");
  const framing = encodings.length > 0 ? "chunked" : lengths.length > 0 ? "length" : "none";
  const framed = readBody(bytes, headEnd + 4, lengths[0], encodings[0]);
  if (framed === "incomplete") return { kind: "incomplete", head: { method, target } };
  if ("why" in framed) return ambiguous(framed.why);
  const { body, end } = framed;
  return { kind: "request", request: { method, target, headers, framing, body }, end };
}

function readBody(
  bytes: Buffer,
  from: number,
  length: string | undefined,
  encoding: string | undefined,
): Framed {
  if (encoding !== undefined) {
    return encoding === "chunked" ? readChunks(bytes, from) : { why: `the encoding ${encoding}` };
  }
  if (length !== undefined && !/^(?:0|[1-9][0-9]{0,14})$/.test(length)) {
    return { why: `the length ${length}` };
  }
  const end = from + Number(length ?? 0);
  return bytes.length < end ? "incomplete" : { body: bytes.subarray(from, end), end };
}

function readChunks(bytes: Buffer, from: number): Framed {
  const parts: Buffer[] = [];
  for (let at = from; ;) {
    const lineEnd = bytes.indexOf("\r\n", at);
    if (lineEnd === -1) return "incomplete";
    const line = bytes.subarray(at, lineEnd).toString("latin1");
    // No extension: nobody agrees on what is in one.
    if (!/^[0-9a-fA-F]{1,8}$/.test(line)) return { why: `the chunk ${line}` };
    const size = Number.parseInt(line, 16);
    const end = lineEnd + 2 + size;
    if (bytes.length < end + 2) return "incomplete";
    // Behind the last chunk as well: no trailers.
    if (bytes.subarray(end, end + 2).toString("latin1") !== "\r\n") return { why: "a chunk's end" };
    parts.push(bytes.subarray(lineEnd + 2, end));
    if (size === 0) return { body: Buffer.concat(parts), end: end + 2 };
    at = end + 2;
  }
}

function ambiguous(why: string): StrictReading {
  return { kind: "ambiguous", why };
}
