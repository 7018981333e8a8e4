import { existsSync, readFileSync } from "node:fs";
import { parse } from "yaml";

const FOLDER = new URL("../../../../../shared/vectors/http-desync/", import.meta.url);

const FILES = [
  "severe",
  "ambiguous",
  "bad-header-characters",
  "acceptable",
  "rfc-compliant",
] as const;

/** A case of http-desync-guardian's corpus. */
export interface DesyncCase {
  readonly file: (typeof FILES)[number];
  readonly name: string;
  readonly method: string;
  readonly uri: string;
  readonly version: string;
  readonly headers: readonly { readonly name: string; readonly value: string | number }[];
  readonly tier: "Severe" | "Ambiguous" | "Acceptable" | "Compliant";
}

interface Written extends Omit<DesyncCase, "file" | "tier" | "headers"> {
  readonly headers: DesyncCase["headers"] | null;
  readonly expected: Pick<DesyncCase, "tier">;
}

/** The whole corpus. It lies beside the project and is not part of it. */
export function desyncCorpus(): readonly DesyncCase[] | undefined {
  if (!existsSync(FOLDER)) {
    console.log("http-desync: skipped, ../shared/vectors/http-desync is not here");
    return undefined;
  }
  return FILES.flatMap((file) => {
    const cases = parse(
      readFileSync(new URL(`${file}.yaml`, FOLDER), "utf8"),
    ) as readonly Written[];
    return cases.map(({ expected: { tier }, headers, ...rest }) => ({
      ...rest,
      file,
      tier,
      headers: headers ?? [],
    }));
  });
}

/** The request that a reader who counts by neither length nor chunks would take for the next. */
const HIDDEN = "GET /hub/foo/hidden HTTP/1.1\r\nHost: broker\r\n\r\n";
const CHUNKS = `5\r\nhello\r\n0\r\n\r\n`;

/**
 * The bytes of a case, to the service `hub` and with a good key: its body as its sender would have meant
 * it, or one that is two requests to whoever frames it otherwise.
 */
export function bytesOf(one: DesyncCase, key: string, body: "meant" | "hiding"): Buffer {
  const { method, uri, version, headers } = one;
  const target = uri.startsWith("/") ? `/hub${uri}` : uri;
  const lines = [[method, target, ...(version === "" ? [] : [version])].join(" ")];
  if (!headers.some(({ name }) => name.toLowerCase() === "host")) lines.push("Host: broker");
  lines.push(`Authorization: Bearer ${key}`);
  for (const { name, value } of headers) lines.push(`${name}: ${value}`);
  const text = `${lines.join("\r\n")}\r\n\r\n`;
  // A letter beyond Latin-1 is meant as UTF-8, and every other as the byte that it is.
  const beyond = /[^\0-\xff]/.test(text);
  return Buffer.concat([
    Buffer.from(text, beyond ? "utf8" : "latin1"),
    Buffer.from(body === "meant" ? meantBody(headers) : hidingBody(headers)),
  ]);
}

function meantBody(headers: DesyncCase["headers"]): string {
  const length = statedLength(headers);
  if (length !== undefined) return "x".repeat(length);
  return isChunked(headers) ? CHUNKS : "";
}

/** To a reader of chunks a request follows at once; to a reader of the length it is within the body. */
function hidingBody(headers: DesyncCase["headers"]): string {
  const length = statedLength(headers);
  const hiding = isChunked(headers) || length !== undefined ? `0\r\n\r\n${HIDDEN}` : HIDDEN;
  return length === undefined
    ? hiding
    : `${hiding}${"x".repeat(length)}`.slice(0, Math.max(length, hiding.length));
}

function statedLength(headers: DesyncCase["headers"]): number | undefined {
  const stated = headers
    .filter(({ name }) => /length/i.test(name))
    .map(({ value }) => Number(value));
  return stated.find((length) => length >= 0 && length <= 10_000);
}

function isChunked(headers: DesyncCase["headers"]): boolean {
  return headers.some(({ value }) => /chunked/i.test(String(value)));
}
