import type { GrantInput } from "@agent-keys/core";
import { SECRET } from "./stand.ts";
import type { StrictRequest } from "./strict-request.ts";

/** What the fuzzer's key may do. */
export const GRANTS: Extract<GrantInput, readonly unknown[]> = [
  { scope: "hub:read", where: { team: "t1" } },
  { scope: "hub:post", where: { team: "t1", channel: "C1" } },
  { scope: "hub:files", where: { path: { prefix: "pub/" } } },
  { scope: "hub:upload" },
];

/** What a request upstream must have been decided as. */
export interface ReadRequest {
  readonly method: string;
  readonly route: string;
  readonly scope: string;
}

/** What is sent on, of which this knows the names without asking the broker. */
const NAMES =
  /^(?:host|connection|authorization|accept-encoding|content-length|transfer-encoding|accept|accept-language|content-type|content-encoding|user-agent|range)$/i;

/**
 * Reads a request as upstreams of many habits would, and says what it is under the key's grants. Written
 * anew, from the grants alone: it shares nothing with the broker.
 *
 * @throws Error saying what is outside the grants.
 */
export function readWithinGrants(request: StrictRequest, host: string): ReadRequest {
  const { method, target, headers } = request;
  const outside = (why: string): Error => new Error(`${why}: ${JSON.stringify(request)}`);
  const names = headers.map(([name]) => name.toLowerCase());
  if (new Set(names).size !== names.length) throw outside("a header twice");
  const foreign = names.find((name) => !NAMES.test(name));
  if (foreign !== undefined) throw outside(`the header ${foreign}`);
  const header = (wanted: string): string | undefined =>
    headers.find(([name]) => name.toLowerCase() === wanted)?.[1];
  if (header("host") !== host) throw outside("another host");
  if (header("authorization") !== `Bearer ${SECRET}`) throw outside("not the credential");
  const bodiless = method === "GET" || method === "HEAD";
  if (bodiless && request.framing !== "none") throw outside("a body on GET or HEAD");

  const [path = "", query = "", ...more] = target.split("?");
  if (more.length > 0) throw outside("two queries");
  const once = decodeURIComponent(path);
  for (const text of [once, lenient(once)]) {
    if (/[\\;]|\p{Cc}|\/\/|(?:^|\/)\.\.?(?:\/|$)/u.test(text))
      throw outside("a path of two readings");
  }
  const inQuery = readAll(query);
  const [, note] = /^\/teams\/t1(?:\/notes\/(0|-?[1-9][0-9]*))?$/.exec(once) ?? [
    undefined,
    undefined,
  ];
  if (bodiless && (once === "/teams/t1" || note !== undefined)) {
    if (inQuery.some(([name]) => /^(?:team|note)/i.test(name))) throw outside("a second team");
    const route = note === undefined ? "/teams/:team" : "/teams/:team/notes/:note{int}";
    return { method, route, scope: "hub:read" };
  }
  if (method === "POST" && once === "/teams/t1/post") {
    const members = [...inQuery, ...bodyOf(request, header("content-type"))];
    const channels = members.filter(([name]) => /^channel/i.test(name));
    if (channels.length === 0) throw outside("no channel");
    if (!channels.every(([name, value]) => name === "channel" && allAre(value, "C1"))) {
      throw outside("another channel");
    }
    if (inQuery.some(([name]) => /^channel/i.test(name))) throw outside("a channel in the query");
    if (members.some(([name]) => /^team/i.test(name))) throw outside("a second team");
    if (header("content-encoding") !== undefined) throw outside("an encoded body");
    return { method, route: "/teams/:team/post", scope: "hub:post" };
  }
  if ((bodiless || method === "PUT") && once.startsWith("/files/pub/")) {
    // A file of any type but those that hold names.
    const type = header("content-type");
    const named = !bodiless && /json|urlencoded/i.test(type ?? "");
    const members = [...inQuery, ...(named ? bodyOf(request, type) : [])];
    if (members.some(([name]) => /^path/i.test(name))) throw outside("a second path");
    return { method, route: "/files/:path*", scope: "hub:files" };
  }
  if (method === "POST" && once === "/uploads") {
    return { method, route: "/uploads", scope: "hub:upload" };
  }
  throw outside("outside the grants");
}

type Members = readonly (readonly [name: string, value: unknown])[];

/** As a server reads it that decodes what it can, and once more. */
function lenient(text: string): string {
  return text.replace(/%[0-9a-f]{2}/gi, (escape) =>
    String.fromCharCode(Number.parseInt(escape.slice(1), 16)),
  );
}

/** Separators as some have them, names decoded as some do. */
function readAll(text: string): Members {
  return [...new URLSearchParams(text), ...new URLSearchParams(text.replaceAll(";", "&"))];
}

function bodyOf({ body }: StrictRequest, type = ""): Members {
  const text = new TextDecoder("utf-8", { fatal: true }).decode(body);
  // Nothing names nothing, whatever it says that it is.
  if (text === "") return [];
  if (type.includes("urlencoded")) return readAll(text);
  if (!type.includes("json")) throw new Error(`a body of the type ${type}`);
  const root: unknown = JSON.parse(text);
  // A name twice, or a number that is none here, would not come out as it went in.
  if (JSON.stringify(root) !== text) throw new Error(`JSON of two readings: ${text}`);
  return Object.entries(Object(root) as object);
}

function allAre(value: unknown, wanted: string): boolean {
  return Array.isArray(value)
    ? value.length > 0 && value.every((one) => one === wanted)
    : value === wanted;
}
