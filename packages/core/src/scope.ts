import { AgentKeyError } from "./errors.ts";

/** The longest scope or pattern, in characters. */
export const SCOPE_MAX_LENGTH = 200;

const SEGMENT = "[a-z0-9][a-z0-9_-]*";
const CONCRETE = new RegExp(`^${SEGMENT}:${SEGMENT}(?:\\.${SEGMENT})*$`);
const PATTERN = new RegExp(`^${SEGMENT}:(?:${SEGMENT}\\.)*(?:${SEGMENT}|\\*)$`);

/** Whether `text` is a concrete scope: `service:segment(.segment)*`, without a wildcard. */
export function isScope(text: unknown): text is string {
  return typeof text === "string" && text.length <= SCOPE_MAX_LENGTH && CONCRETE.test(text);
}

/** Whether `text` is a scope, or a pattern whose last segment is `*` (one or more segments). */
export function isScopePattern(text: unknown): text is string {
  return typeof text === "string" && text.length <= SCOPE_MAX_LENGTH && PATTERN.test(text);
}

/**
 * Whether every scope that `inner` stands for is one that `outer` stands for. Both may be concrete
 * or patterns. Patterns are nested or disjoint, never partly overlapping, since `*` only ends one.
 */
export function scopeCovers(outer: string, inner: string): boolean {
  if (outer === inner) return true;
  if (!outer.endsWith("*")) return false;
  const stem = outer.slice(0, -1);
  return inner.length > stem.length && inner.startsWith(stem);
}

/**
 * Turns a tool's name into a scope segment: `createIssue` → `create_issue`, `repos/get` →
 * `repos_get`. Names that differ only in case or separators share a segment.
 *
 * @throws AgentKeyError `scope_invalid` when the name has characters outside `A-Za-z0-9 _ - . / :`.
 */
export function scopeSegment(name: string): string {
  const readable = name.length <= SCOPE_MAX_LENGTH && /^[A-Za-z0-9 _./:-]+$/.test(name);
  const segment = readable ? snakeCase(name) : "";
  if (segment === "") {
    throw new AgentKeyError("scope_invalid", {
      detail: "a tool name becomes a scope segment only if it is made of A-Z a-z 0-9 _ - . / :",
    });
  }
  return segment;
}

function snakeCase(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1_$2")
    .replace(/[ ./:]+/g, "_")
    .toLowerCase()
    .replace(/^[_-]+/, "");
}
