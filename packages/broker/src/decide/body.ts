import { NAME_MAX_LENGTH, readings } from "../service/fold-name.ts";
import type { BodyFormat, Route } from "../service/service.ts";
import { parseUnambiguous } from "./json-body.ts";
import { MAX_NAMES, readPairs, writePairs } from "./pairs.ts";
import { type Refused, refused } from "./refused.ts";

/** A body that was read whole: its members by name, and the bytes to send in its place. */
export interface ReadBody {
  /** In order, with duplicates; empty for JSON that is not an object. */
  readonly members: readonly (readonly [name: string, value: unknown])[];
  /** JSON that is not an object has no members, and so nothing that could be constrained. */
  readonly named: boolean;
  readonly write: () => Uint8Array;
}

const JSON_TYPE = /^application\/(?:[a-z0-9.-]+\+)?json$/;
const FORM_TYPE = "application/x-www-form-urlencoded";

/** The format that a body says it has; `undefined` when it is neither JSON nor a form. */
function bodyFormat(contentType: string | undefined): BodyFormat | undefined {
  const [type = "", ...parameters] = (contentType ?? "").toLowerCase().split(";");
  if (!parameters.every(isUtf8)) return undefined;
  if (type.trim() === FORM_TYPE) return "form";
  return JSON_TYPE.test(type.trim()) ? "json" : undefined;
}

/** Whether a credential could stand in it under a name, also where this cannot read it: in multipart. */
export function mayHoldMembers(contentType: string | undefined): boolean {
  return contentType === undefined || /json|urlencoded|multipart/i.test(contentType);
}

function isUtf8(parameter: string): boolean {
  return /^(?:charset="?utf-?8"?)?$/.test(parameter.trim());
}

/**
 * Reads a body whole and unambiguously.
 *
 * @param drop - Members that are taken out: credentials of the caller's own, folded.
 */
export function readBody(
  bytes: Uint8Array,
  contentType: string | undefined,
  route: Pick<Route, "bodyFormats">,
  drop: ReadonlySet<string>,
): ReadBody | Refused {
  const wrong = (detail: string): Refused => refused("request_invalid", "body", detail);
  const isDropped = (name: string): boolean => readings(name).some((one) => drop.has(one));
  const format = bodyFormat(contentType);
  if (format === undefined) return wrong("a constraint needs a JSON or form body in UTF-8");
  if (route.bodyFormats.length > 0 && !route.bodyFormats.includes(format)) {
    return wrong(`the route takes no ${format} body`);
  }
  if (format === "form") {
    const text = latin1(bytes);
    const pairs = text === undefined ? undefined : readPairs(text);
    if (pairs === undefined) return wrong("the form is malformed");
    const kept = pairs.filter(([name]) => !isDropped(name));
    return { members: kept, named: true, write: () => Buffer.from(writePairs(kept)) };
  }
  const parsed = parseUnambiguous(bytes);
  if (parsed === undefined) return wrong("the JSON is malformed or ambiguous");
  const { json } = parsed;
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    return { members: [], named: false, write: () => Buffer.from(JSON.stringify(json)) };
  }
  const members: readonly (readonly [string, unknown])[] = Object.entries(json);
  if (members.length > MAX_NAMES) return wrong("the JSON has too many members");
  if (members.some(([name]) => name.length > NAME_MAX_LENGTH)) {
    return wrong("a name in the JSON is too long");
  }
  // To a server that ends texts at a NUL, it is another name.
  if (members.some(([name]) => /\p{Cc}/u.test(name))) {
    return wrong("a name in the JSON has a control character");
  }
  const kept = members.filter(([name]) => !isDropped(name));
  return { members: kept, named: true, write: () => Buffer.from(writeObject(kept)) };
}

/** Member by member: an object built anew would take `__proto__` for something else. */
function writeObject(members: readonly (readonly [string, unknown])[]): string {
  const texts = members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  return `{${texts.join(",")}}`;
}

/** A form is ASCII, percent-encoded. */
function latin1(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
  return /^[\x20-\x7e]*$/.test(text) ? text : undefined;
}
