const MAX_DEPTH = 64;
/** At all depths. To look at more would keep everybody else waiting. */
const MAX_NAMES = 20_000;
/** Commas, and objects and lists that begin: no fewer than there are values. */
const MAX_VALUES = 50_000;

/**
 * Parses JSON (RFC 8259) that only one reading exists of. `undefined` for what is malformed or
 * ambiguous: a member's name that occurs twice at any depth, also in another escape; an integer that
 * a double cannot hold; more than 64 levels, 20,000 names or 50,000 values; a byte order
 * mark; text that is not UTF-8.
 */
export function parseUnambiguous(bytes: Uint8Array): { readonly json: unknown } | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    // Before it is parsed: millions of empty lists are slow to make, and slower to be rid of.
    if (!isOfBoundedSize(text)) return undefined;
    const json: unknown = JSON.parse(text);
    return isUnambiguous(text) ? { json } : undefined;
  } catch {
    return undefined;
  }
}

/** For any text: in what is no JSON it may count something else, and stops as soon. */
function isOfBoundedSize(text: string): boolean {
  // Each takes a character at least.
  if (text.length <= MAX_NAMES) return true;
  let names = 0;
  let values = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at) - 1;
    else if (code === COLON) names += 1;
    else if (code === COMMA || code === BRACKET || code === BRACE) values += 1;
    if (names > MAX_NAMES || values > MAX_VALUES) return false;
  }
  return true;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const BRACE = 0x7b;

/** For text that `JSON.parse` took, and so is well-formed. */
function isUnambiguous(text: string): boolean {
  // A set only once there is a name: most of what can be opened is empty, or a list.
  const open: (Set<string> | undefined)[] = [];
  const token = /[{}[\]:]|-?\d[\d.eE+-]*|"/g;
  let name = "";
  for (let found = token.exec(text); found !== null; found = token.exec(text)) {
    const [first] = found;
    if (first === '"') {
      const end = endOfString(text, found.index);
      // Only before a colon is it a name; that is for the next token to tell.
      name = text.slice(found.index, end);
      token.lastIndex = end;
    } else if (first === "{" || first === "[") {
      // A list has no names, and is counted all the same.
      if (open.push(undefined) > MAX_DEPTH) return false;
    } else if (first === "}" || first === "]") {
      open.pop();
    } else if (first === ":") {
      const names = (open[open.length - 1] ??= new Set());
      const unescaped = JSON.parse(name) as string;
      if (names.has(unescaped)) return false;
      names.add(unescaped);
    } else if (!isExact(first)) {
      return false;
    }
  }
  return true;
}

/** Where a string ends that begins at a quote: behind the next quote that is not escaped, or the text. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code === BACKSLASH) at += 1;
  }
  return text.length;
}

/** Whether what is written out again is the same number, not one that it was rounded to. */
function isExact(token: string): boolean {
  const value = Number(token);
  if (!Number.isFinite(value)) return false;
  return !/^-?\d+$/.test(token) || String(value) === token || BigInt(value) === BigInt(token);
}
