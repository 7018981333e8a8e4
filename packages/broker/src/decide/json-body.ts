const MAX_DEPTH = 64;
/** At all depths. To look at more would keep everybody else waiting. */
const MAX_NAMES = 50_000;

/**
 * Parses JSON (RFC 8259) that only one reading exists of. `undefined` for what is malformed or
 * ambiguous: a member's name that occurs twice at any depth, also in another escape; an integer that
 * a double cannot hold; more than 64 levels or 50,000 names; a byte order mark; text that is not UTF-8.
 */
export function parseUnambiguous(bytes: Uint8Array): { readonly json: unknown } | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const json: unknown = JSON.parse(text);
    return isUnambiguous(text) ? { json } : undefined;
  } catch {
    return undefined;
  }
}

/** For text that `JSON.parse` took, and so is well-formed. */
function isUnambiguous(text: string): boolean {
  const open: Set<string>[] = [];
  const token = /[{}[\]:]|-?\d[\d.eE+-]*|"/g;
  let name = "";
  let count = 0;
  for (let found = token.exec(text); found !== null; found = token.exec(text)) {
    const [first] = found;
    if (first === '"') {
      const end = endOfString(text, found.index);
      // Only before a colon is it a name; that is for the next token to tell.
      name = text.slice(found.index, end);
      token.lastIndex = end;
    } else if (first === "{" || first === "[") {
      // A list has no names, and is counted all the same.
      if (open.push(new Set()) > MAX_DEPTH) return false;
    } else if (first === "}" || first === "]") {
      open.pop();
    } else if (first === ":") {
      const names = open.at(-1);
      const unescaped = JSON.parse(name) as string;
      count += 1;
      if (names === undefined || names.has(unescaped) || count > MAX_NAMES) return false;
      names.add(unescaped);
    } else if (!isExact(first)) {
      return false;
    }
  }
  return true;
}

/** Where a string ends that begins at a quote: behind the next quote that is not escaped. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); ; at = text.indexOf('"', at + 1)) {
    let slashes = 0;
    while (text[at - 1 - slashes] === "\\") slashes += 1;
    if (slashes % 2 === 0) return at + 1;
  }
}

/** Whether what is written out again is the same number, not one that it was rounded to. */
function isExact(token: string): boolean {
  const value = Number(token);
  if (!Number.isFinite(value)) return false;
  return !/^-?\d+$/.test(token) || String(value) === token || BigInt(value) === BigInt(token);
}
