import type { SecretSource } from "@agent-keys/core";
import { memberOf } from "../json-member.ts";
import { secretValue } from "../secret-value.ts";

/**
 * One member of a secret that is a JSON object, as its source gives it; the whole of it when there is no
 * field.
 */
export function jsonField(
  source: SecretSource,
  field: readonly string[],
  name: string,
): SecretSource {
  if (field.length === 0) return source;
  return {
    ...source,
    name,
    async read(options) {
      const { value, expiresAtMs } = await source.read(options);
      return secretValue(name, memberOf(value, field, name), expiresAtMs);
    },
  };
}
