import { pointedAt, SecretReferenceError, UNSEEN } from "./reference-error.ts";
import type { Reference, Scheme } from "./scheme.ts";
import { SCHEMES } from "./schemes.ts";

/** The longest reference. An ARN, the longest of names, has 2,048 characters at most. */
const MOST_CHARACTERS = 4_096;

/** A piece of the text and where it begins. */
interface Piece {
  readonly text: string;
  readonly at: number;
}

/** Refuses what is wrong at a character. */
type Refuse = (problem: string, at: number) => never;

/**
 * Reads a reference: `scheme ":" path ["#" field] ["?" name "=" value *("&" name "=" value)]`. The path is
 * names between slashes, the field names between dots. In each `%` and two hexadecimal digits stand for a
 * byte of UTF-8, as in a URL; nothing else is special. It follows nothing, and reads no environment.
 *
 * @throws SecretReferenceError, and nothing else, whatever it is given.
 */
export function parseReference(text: unknown): Reference {
  const { name, scheme, rest } = schemeOf(text);
  const { refuse } = rest;
  const unseen = UNSEEN.exec(rest.text);
  if (unseen !== null) refuse("this character must be written escaped, as %0A", unseen.index);
  const parts = partsOf(rest, refuse);
  const { isRooted, segments } = pathOf(parts.path, scheme, refuse);
  const reference: Reference = {
    scheme: name,
    isRooted,
    segments,
    field: fieldOf(parts.field, parts.path, scheme, refuse),
    parameters: parametersOf(parts.parameters, scheme, refuse),
  };
  const problem = scheme.problem?.(reference);
  if (problem !== undefined) refuse(problem, parts.path.at);
  return reference;
}

interface Rest extends Piece {
  readonly refuse: Refuse;
}

function schemeOf(given: unknown): { name: string; scheme: Scheme; rest: Rest } {
  const known = `must begin with ${Object.keys(SCHEMES).join(":, ")}:`;
  if (typeof given !== "string") throw new SecretReferenceError(`a reference ${known}`, 0);
  const text = given;
  const [, name = ""] = /^([a-z][a-z-]*):/.exec(text.slice(0, 40)) ?? [];
  // An inherited member, such as constructor, is no scheme.
  const scheme = Object.hasOwn(SCHEMES, name) ? SCHEMES[name] : undefined;
  // What this is, is not known: the credential, for one. So nothing of it is quoted.
  if (scheme === undefined) throw new SecretReferenceError(`a reference ${known}`, 0);
  const refuse: Refuse = (problem, at) => {
    const where = ` (character ${at + 1} of a reference to a secret)`;
    const shown = pointedAt(text, at, scheme.form);
    if (scheme.isShown !== false) throw new SecretReferenceError(`${problem}${where}`, at, shown);
    throw new SecretReferenceError(`${problem}${where}`, at, `; it is written ${scheme.form}`);
  };
  if (text.length > MOST_CHARACTERS) refuse("the reference is too long", MOST_CHARACTERS);
  return { name, scheme, rest: { text, at: name.length + 1, refuse } };
}

/** Takes the whole apart at its first `#` and its first `?`. */
function partsOf(
  { text, at }: Piece,
  refuse: Refuse,
): Record<"path" | "field" | "parameters", Piece> {
  const question = indexFrom(text, "?", at);
  const hash = indexFrom(text, "#", at);
  // Pointing at the # would show what stands between, which may be anything.
  if (question < hash && hash < text.length) refuse("the field stands before the ?", question);
  const again = text.slice(0, question).indexOf("#", hash + 1);
  if (again >= 0) refuse("this character stands here once; another is written %23", again);
  const pathEnd = Math.min(hash, question);
  return {
    path: { text: text.slice(at, pathEnd), at },
    field: { text: text.slice(hash, question), at: hash },
    parameters: { text: text.slice(question), at: question },
  };
}

/** Where it stands; the end where it does not. */
function indexFrom(text: string, char: string, from: number): number {
  const index = text.indexOf(char, from);
  return index < 0 ? text.length : index;
}

function pathOf(
  { text, at }: Piece,
  scheme: Scheme,
  refuse: Refuse,
): { isRooted: boolean; segments: readonly string[] } {
  const isRooted = text.startsWith("/");
  if (isRooted && scheme.canBeRooted !== true) refuse("the path does not begin with a slash", at);
  const start = isRooted ? 1 : 0;
  const pieces = split({ text: text.slice(start), at: at + start }, "/");
  const [least, most] = scheme.segments;
  const surplus = pieces[most];
  if (surplus !== undefined) refuse("the path has more parts than it can", surplus.at);
  const segments = pieces.map((piece) => {
    const segment = decoded(piece, "a part of the path", refuse);
    const isStep = segment === "." || segment === "..";
    if (isStep && scheme.isFilePath !== true) refuse("a path goes down only", piece.at);
    if (segment.includes("/") && scheme.isFilePath === true)
      refuse("a file's name has no slash", piece.at);
    return segment;
  });
  if (segments.length < least) refuse("the path has fewer parts than it must", at + text.length);
  return { isRooted, segments };
}

function fieldOf(
  { text, at }: Piece,
  path: Piece,
  { field }: Scheme,
  refuse: Refuse,
): readonly string[] {
  if (text === "") {
    if (field === "required") refuse("#field is missing", path.at + path.text.length);
    return [];
  }
  if (field === "none") refuse("such a secret has no fields", at);
  return split({ text: text.slice(1), at: at + 1 }, ".").map((piece) =>
    decoded(piece, "the name of a field", refuse),
  );
}

function parametersOf(
  { text, at }: Piece,
  { parameters }: Scheme,
  refuse: Refuse,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  if (text === "") return found;
  for (const piece of split({ text: text.slice(1), at: at + 1 }, "&")) {
    const [name = ""] = /^[^=]*/.exec(piece.text) ?? [];
    const value = { text: piece.text.slice(name.length + 1), at: piece.at + name.length + 1 };
    if (!parameters.includes(name)) {
      const none = parameters.length === 0 ? "none" : `only ${parameters.join(", ")}`;
      refuse(`there is no such parameter, but ${none}`, piece.at);
    }
    if (found.has(name)) refuse("this parameter is given twice", piece.at);
    if (name === piece.text) refuse("=value is missing", piece.at + name.length);
    const question = value.text.indexOf("?");
    if (question >= 0) refuse("in a value this character is written %3F", value.at + question);
    found.set(name, decoded(value, "a value", refuse));
  }
  return found;
}

function split({ text, at }: Piece, separator: string): readonly Piece[] {
  let next = at;
  return text.split(separator).map((part) => {
    const piece = { text: part, at: next };
    next += part.length + 1;
    return piece;
  });
}

/** What is meant, without escapes: some text without control characters. */
function decoded({ text, at }: Piece, what: string, refuse: Refuse): string {
  if (text === "") refuse(`${what} is missing`, at);
  const space = text.startsWith(" ") ? 0 : text.endsWith(" ") ? text.length - 1 : -1;
  if (space >= 0) refuse("a space at an end must be written escaped, as %20", at + space);
  const percent = text.search(/%(?![0-9A-Fa-f]{2})/);
  if (percent >= 0)
    refuse("% must be followed by two hexadecimal digits; itself it is %25", at + percent);
  const meant = utf8Of(text);
  const escape = at + Math.max(0, text.indexOf("%"));
  if (meant === undefined) refuse("these escapes are not UTF-8", escape);
  if (/\p{Cc}/u.test(meant)) refuse("no control character can be meant", escape);
  return meant;
}

function utf8Of(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
