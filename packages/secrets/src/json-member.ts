import { unavailable } from "./unavailable.ts";

/**
 * The text at one place of a JSON object that a secret consists of.
 *
 * @param path - Names of members, from the outside in.
 * @param name - What the source is called.
 * @throws AgentKeyError `secret_unavailable` when there is no text there. It says nothing of the rest.
 */
export function memberOf(json: string, path: readonly string[], name: string): string {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw unavailable(name, "is not JSON, so it has no field");
  }
  return textAt(value, path, name);
}

/** The same, of JSON that is parsed already. A number is given as its text. */
export function textAt(json: unknown, path: readonly string[], name: string): string {
  const value = path.reduce<unknown>(member, json);
  const text = typeof value === "number" ? String(value) : value;
  if (typeof text !== "string") throw unavailable(name, "has no text in that field");
  if (text.trim() === "") throw unavailable(name, "that field is empty");
  return text;
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
  return Reflect.get(value, name);
}
