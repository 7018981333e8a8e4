/**
 * Where a broker reads the real credentials, and how long it remembers them.
 *
 * @module
 */
export type { SecretSource, SecretValue } from "@agent-keys/core";
export { env } from "./env.ts";
export { file } from "./file.ts";
export { configuredSecrets } from "./reference/configured-secrets.ts";
export { SecretReferenceError } from "./reference/reference-error.ts";
export { secret } from "./reference/secret.ts";
export { type SecretCache, secretCache, type SecretCacheOptions } from "./secret-cache.ts";
export { secretValue } from "./secret-value.ts";
