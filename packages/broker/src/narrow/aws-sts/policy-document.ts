/** One statement of a session policy: what is not allowed by one is denied. */
export interface Statement {
  readonly Effect: "Allow";
  readonly Action: string;
  readonly Resource: readonly string[];
  readonly Condition?: Readonly<
    Record<string, Readonly<Record<string, string | readonly string[]>>>
  >;
}

/** What of a grant a session policy can say. */
export interface PolicyPart {
  readonly statements: readonly Statement[];
  /** What it cannot: `"<name>: <why>"`, for people. Only the broker holds a request to it. */
  readonly left: readonly string[];
}

/** As many characters as AssumeRole takes of a policy. */
const LONGEST_POLICY = 2_048;

/**
 * A policy as AssumeRole takes it. A character beyond U+00FF is written as an escape: the parameter has none.
 *
 * @returns `undefined` when it is longer than STS takes: part of a policy is another policy.
 */
export function policyText(statements: readonly Statement[]): string | undefined {
  // Policy variables, and so the escapes of wildcards, are read in this version only.
  const text = JSON.stringify({ Version: "2012-10-17", Statement: statements }).replace(
    /[^\u0020-\u007e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return text.length > LONGEST_POLICY ? undefined : text;
}

/** A value that stands for itself, and for nothing else, where `*` and `?` are wildcards. */
export function literalPattern(value: string): string {
  return value.replace(/[*?$]/g, (one) => `\${${one}}`);
}

/** A value that stands for itself where only policy variables are read. */
export function literalText(value: string): string {
  return value.replaceAll("$", () => "${$}");
}
