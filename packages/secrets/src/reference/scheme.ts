import type { SecretSource } from "@agent-keys/core";

/** A reference to a secret, read but not yet followed. */
export interface Reference {
  readonly scheme: string;
  /** Whether the path begins with a slash. */
  readonly isRooted: boolean;
  /** What stands between the slashes, without escapes. A slash in one was written `%2F`. */
  readonly segments: readonly string[];
  /** What stands between the dots behind `#`, without escapes. Empty: there is no `#`. */
  readonly field: readonly string[];
  /** What stands behind `?`, by name. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** What references of one scheme look like, and what opens them. */
export interface Scheme {
  /** How one is written, for messages. */
  readonly form: string;
  /** The fewest and the most names between slashes. */
  readonly segments: readonly [least: number, most: number];
  readonly field: "none" | "optional" | "required";
  readonly parameters: readonly string[];
  /** Whether the path may begin with a slash. Default `false`. */
  readonly canBeRooted?: boolean;
  /** Whether `.` and `..` are what they are to a file system. Default `false`: refused. */
  readonly isFilePath?: boolean;
  /** Whether messages may show it. `false` where people write the credential itself. Default `true`. */
  readonly isShown?: boolean;
  /** What is wrong with one that has the right form; `undefined`: nothing. */
  readonly problem?: (reference: Reference) => string | undefined;
  /** Imports the provider, and only then its client. @throws TypeError when the provider refuses it. */
  readonly open: (reference: Reference) => Promise<SecretSource>;
}
