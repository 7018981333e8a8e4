import { createHmac, type KeyObject } from "node:crypto";
import { AgentKeyError } from "../errors.ts";

/** How deep an input may be nested and still be put on record. */
export const MAX_DEPTH = 200;

/** How many values an input may hold, each counted as often as it is met: a second's work at most. */
export const MAX_VALUES = 100_000;

/**
 * Canonical JSON (RFC 8785): members sorted by UTF-16 code units, ECMAScript numbers, no space. What
 * JSON cannot say is treated as `JSON.stringify` does; a bigint is its decimal text.
 *
 * @throws AgentKeyError `input_invalid` when nested deeper than {@link MAX_DEPTH}, as a cycle is, when
 * there are more than {@link MAX_VALUES} values, and when it has members that the text would not show:
 * a member named `__proto__`, or a prototype that is no class's and has members.
 */
export function canonicalJson(value: unknown): string {
  return write(value, 0, { left: MAX_VALUES }) ?? "null";
}

/**
 * HMAC-SHA-256, base64url, over the canonical JSON: a plain hash of small values can be guessed.
 *
 * @param tool - Whose arguments they are: its name is digested with them, before them.
 * @throws AgentKeyError `input_invalid` when the input cannot be serialised.
 */
export function argsDigest(input: unknown, auditKey: KeyObject, tool?: string): string {
  const digest = createHmac("sha256", auditKey);
  // A JSON text says itself where it ends, so no other name and input are the same text.
  if (tool !== undefined) digest.update(JSON.stringify(tool));
  return digest.update(serialised(input)).digest("base64url");
}

function serialised(input: unknown): string {
  try {
    return canonicalJson(input);
  } catch (error) {
    if (error instanceof AgentKeyError) throw error;
    // Dropped on purpose: what a getter or `toJSON` of the input throws may quote the input.
    throw invalid("the input cannot be serialised");
  }
}

interface Budget {
  left: number;
}

function write(given: unknown, depth: number, budget: Budget): string | undefined {
  if (depth > MAX_DEPTH) throw invalid(`nested deeper than ${MAX_DEPTH} levels`);
  requireRoom(1, budget);
  budget.left -= 1;
  requireNothingHidden(given);
  const value = replaced(given);
  if (typeof value === "bigint") return JSON.stringify(value.toString());
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (value !== given) requireNothingHidden(value);
  // Before the members are listed and sorted, which alone takes seconds when they are millions.
  requireRoom(Array.isArray(value) ? value.length : Object.keys(value).length, budget);
  if (Array.isArray(value)) {
    return `[${Array.from(value, (item) => write(item, depth + 1, budget) ?? "null").join(",")}]`;
  }
  const members = Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => [name, write(member, depth + 1, budget)] as const)
    .filter(([, text]) => text !== undefined)
    .map(([name, text]) => `${JSON.stringify(name)}:${text}`);
  return `{${members.join(",")}}`;
}

function requireRoom(values: number, { left }: Budget): void {
  if (values > left) throw invalid(`more than ${MAX_VALUES} values`);
}

/**
 * A member named `__proto__` becomes the prototype wherever somebody copies with `copy[name] = …`, as
 * LangGraph does. A tool reads what it inherits; constraints and the digest see own members alone.
 */
function requireNothingHidden(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  if (Object.hasOwn(value, "__proto__")) throw invalid("a member is named __proto__");
  for (let next = prototypeOf(value); next !== null; next = prototypeOf(next)) {
    if (isOfClass(next)) continue;
    if (Array.isArray(next) || Object.keys(next).length > 0) throw invalid("members are inherited");
  }
}

/** A class's prototype and its constructor name each other, which nothing made from JSON can. */
function isOfClass(prototype: object): boolean {
  const made: unknown = Reflect.getOwnPropertyDescriptor(prototype, "constructor")?.value;
  return typeof made === "function" && made.prototype === prototype;
}

function prototypeOf(value: object): object | null {
  return Object.getPrototypeOf(value) as object | null;
}

function invalid(detail: string): AgentKeyError {
  return new AgentKeyError("input_invalid", { detail });
}

/** Once, as `JSON.stringify` does: what `toJSON` returns may have the same `toJSON`. */
function replaced(value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("toJSON" in value)) return value;
  const { toJSON } = value;
  return typeof toJSON === "function" ? (Reflect.apply(toJSON, value, []) as unknown) : value;
}
