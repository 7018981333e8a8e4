import type { SecretValue } from "@agent-keys/core";
import { memberOf } from "./json-member.ts";
import { secretValue } from "./secret-value.ts";
import { unavailable } from "./unavailable.ts";

/** The value in what a manager's client answered, or in one field of it where it is a JSON object. */
export function textValue(name: string, text: unknown, field: string | undefined): SecretValue {
  if (typeof text !== "string") throw unavailable(name, "it has no text");
  if (field !== undefined) return secretValue(name, memberOf(text, [field], name));
  if (text.trim() === "") throw unavailable(name, "the value is empty");
  return secretValue(name, text);
}
