import { inspect } from "node:util";
import type { SecretValue } from "@agent-keys/core";

/**
 * A credential that whoever holds it can log by accident: it prints, inspects and serialises as
 * `Secret(name)`, and a structured clone has no value either. Every source here answers with one, and so
 * should a source of your own.
 *
 * @param name - The name of its source: `env:GITHUB_TOKEN`.
 * @param expiresAtMs - When the source says that it ends, in milliseconds since the epoch.
 */
export function secretValue(name: string, value: string, expiresAtMs?: number): SecretValue {
  return new Secret(name, value, expiresAtMs);
}

class Secret implements SecretValue {
  readonly expiresAtMs: number | undefined;
  readonly #name: string;
  readonly #value: string;

  constructor(name: string, value: string, expiresAtMs: number | undefined) {
    this.expiresAtMs = expiresAtMs;
    this.#name = name;
    this.#value = value;
    Object.freeze(this);
  }

  // On the prototype, and so no part of what is listed, cloned, spread or compared.
  get value(): string {
    return this.#value;
  }

  toString(): string {
    return `Secret(${this.#name})`;
  }

  toJSON(): string {
    return this.toString();
  }
}

Object.defineProperty(Secret.prototype, inspect.custom, {
  value(this: Secret): string {
    return this.toString();
  },
});
