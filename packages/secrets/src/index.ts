export type { SecretSource, SecretValue } from "@agent-keys/core";
