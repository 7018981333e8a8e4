/**
 * What went wrong between us and PostgreSQL, in words of our own, and without a cause: the client's or the
 * server's message may hold part of the connection string, or of a row.
 */
export function inOurWords(error: unknown): Error {
  return new Error(whyOf(error));
}

function whyOf(error: unknown): string {
  const code = codeOf(error);
  if (error instanceof PostgresProblem) return error.message;
  if (code === undefined) return "PostgreSQL cannot be reached, or it broke off";
  const known = Object.hasOwn(KNOWN, code) ? KNOWN[code] : undefined;
  if (known !== undefined) return `${known} (${code})`;
  return SQLSTATE.test(code)
    ? `PostgreSQL refuses (${code})`
    : `PostgreSQL cannot be reached (${code})`;
}

/** Something that we found out ourselves, so that its message can be shown. */
export class PostgresProblem extends Error {
  override readonly name = "PostgresProblem";
}

const SQLSTATE = /^[0-9A-Z]{5}$/;
/** What a system's or PostgreSQL's code looks like. Anything else is not repeated. */
const CODE = /^[A-Z0-9_]{3,40}$/;

const KNOWN: Readonly<Record<string, string>> = {
  "28P01": "PostgreSQL refuses the user or the password",
  "28000": "PostgreSQL refuses the user or the password",
  "3D000": "PostgreSQL has no such database",
  "42501": "the role of PostgreSQL may not: it needs INSERT and SELECT on the table",
  "42P01": "the table is not there",
  "57P03": "PostgreSQL is starting or stopping",
  "53300": "PostgreSQL has no connection left",
};

function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" && CODE.test(error.code) ? error.code : undefined;
}
