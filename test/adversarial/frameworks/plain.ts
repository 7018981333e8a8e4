/**
 * Anything that a framework hands out, as plain data that two runs can be compared by. Identifiers
 * are numbered in the order they come, so that they stay distinct; times have no value; all else,
 * classes, symbols and members that are `undefined` too, stays as it is.
 */
export function plain(value: unknown): unknown {
  const ids = new Map<string, string>();
  const id = (text: string): string => {
    const known = ids.get(text) ?? `<id ${ids.size + 1}>`;
    ids.set(text, known);
    return known;
  };
  const walk = (at: unknown, path: readonly unknown[], timed: boolean): unknown => {
    if (typeof at === "string" && FRAMES.test(at)) return "<stack>";
    if (typeof at === "string") {
      return at.replace(ORIGIN, "<origin>").replace(DATE, "<date>").replace(GENERATED, id);
    }
    if (typeof at === "number") return timed ? "<time>" : at;
    if (typeof at === "function") return "<function>";
    if (typeof at === "symbol") return at.toString();
    if (typeof at !== "object" || at === null) return at;
    if (path.includes(at)) return `<the ${path.length - path.indexOf(at)}th before>`;
    const inner = [...path, at];
    const each = (member: unknown, name: PropertyKey = ""): unknown =>
      walk(member, inner, timed || TIMED.test(String(name)));
    if (Array.isArray(at)) return at.map((member) => each(member));
    if (at instanceof Date) return "<date>";
    if (at instanceof Map || at instanceof Set) {
      return { "<class>": at.constructor.name, entries: [...at].map((one) => each(one)) };
    }
    if (at instanceof AbortSignal) return { "<class>": "AbortSignal", aborted: at.aborted };
    const error = at instanceof Error ? { name: at.name, message: each(at.message) } : {};
    const cause = at instanceof Error && "cause" in at ? { cause: each(at.cause) } : {};
    const members = Reflect.ownKeys(at)
      .filter((name) => Object.prototype.propertyIsEnumerable.call(at, name))
      .map((name) => {
        const named = typeof name === "symbol" ? name.toString() : name.replace(GENERATED, id);
        return [named, each((at as Record<PropertyKey, unknown>)[name], name)] as const;
      });
    const name = (at.constructor as { readonly name?: string } | undefined)?.name ?? "none";
    const kind = name === "Object" ? {} : { "<class>": name };
    return { ...kind, ...error, ...cause, ...Object.fromEntries(members) };
  };
  return walk(value, [], false);
}

const ORIGIN = /http:\/\/127\.0\.0\.1:\d+/g;

const DATE = /\d{4}-?\d\d-?\d\dT[\d:.]{6,}Z/g;

/** A stack has the wrapper's own lines in it. */
const FRAMES = /\n +at .+:\d+/;

/** UUIDs, the hashes of them that LangGraph makes, and what the AI SDK makes: 24 or 16 letters and
 * digits, some with a prefix. A word may be as long: it is numbered as well, which hides nothing. */
const GENERATED =
  /\b[0-9a-f]{32}\b|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b(?:[a-z]+-)?(?:[A-Za-z0-9]{24}|[A-Za-z0-9]{16})\b/g;

/** The names of members that say when, how long or how fast. */
const TIMED = /ms$|time(?:stamp)?$|duration|persecond$|\.msTo|_at$|^(?:start|end)_time/i;
