import type { SecretValue } from "@agent-keys/core";
import { secretValue } from "./secret-value.ts";
import { unavailable } from "./unavailable.ts";

/** What a manager holds, or one field of it where it is a JSON object. */
export interface TextInUse {
  readonly field?: string | undefined;
  readonly expiresAtMs?: number | undefined;
}

/** The value in what a manager answered, which may hold anything. */
export function textValue(
  name: string,
  text: unknown,
  { field, expiresAtMs }: TextInUse = {},
): SecretValue {
  if (typeof text !== "string") throw unavailable(name, "it has no text");
  const value = field === undefined ? text : fieldOf(name, text, field);
  if (value.trim() === "") throw unavailable(name, "the value is empty");
  return secretValue(name, value, expiresAtMs);
}

function fieldOf(name: string, text: string, field: string): string {
  const value = own(parsed(name, text), field);
  if (value === undefined) throw unavailable(name, "the secret has no such field");
  if (typeof value !== "string") throw unavailable(name, "the field is not text");
  return value;
}

function own(object: unknown, field: string): unknown {
  if (typeof object !== "object" || object === null || !Object.hasOwn(object, field))
    return undefined;
  return (object as Readonly<Record<string, unknown>>)[field];
}

// The parser's own message quotes what it read.
function parsed(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unavailable(name, "a field is asked for, and the secret is not JSON");
  }
}
