/** A credential, as its source gave it. */
export interface SecretValue {
  readonly value: string;
  /** When the source says that it ends, in milliseconds since the epoch. Absent: it does not say. */
  readonly expiresAtMs?: number | undefined;
}

/** Where one real credential is read. Only a broker, or services in process, ever ask it. */
export interface SecretSource {
  /** What to call it in messages, such as `env:GITHUB_TOKEN`. Never the value. */
  readonly name: string;
  /**
   * Reads the credential as it is now.
   *
   * @throws AgentKeyError `secret_unavailable`, which never says anything of the value.
   */
  read(options?: { readonly signal?: AbortSignal | undefined }): Promise<SecretValue>;
  /** Who else can read it, as far as the source knows, in a few words: for people, never the value. */
  readonly readableBy?: (options?: {
    readonly signal?: AbortSignal | undefined;
  }) => Promise<string | undefined>;
  /** Gives back what was made for this source alone, such as a lease. A broker that closes calls it. */
  readonly close?: () => Promise<void>;
}

/** A source, or a reference that `@agent-keys/secrets` reads: `"env:GITHUB_TOKEN"`. */
export type SecretInput = SecretSource | string;
