import type { AgentKeyError } from "@agent-keys/core";
import { outOfReach, unavailable } from "../unavailable.ts";
import { isPassing, type JsonAnswer } from "./read-json.ts";

/**
 * What an answer that gives no secret means. Its body may quote anything, so only its status is told.
 *
 * @param missing - What is not there when the status is 404.
 */
export function refusal(
  { status }: JsonAnswer,
  name: string,
  missing = "there is no such secret",
): AgentKeyError {
  if (isPassing(status)) return outOfReach(name, `is out of reach (status ${status})`);
  const why = { 401: "the token is not accepted", 403: "access is denied", 404: missing }[status];
  return unavailable(name, `${why ?? "cannot be read"} (status ${status})`);
}

/** A token, or what else goes into a header: what cannot would be refused with an error that quotes it. */
export function headerValue(name: string, value: string | undefined, what: string): string {
  const text = value?.trim() ?? "";
  if (text === "") throw unavailable(name, `${what} is not set`);
  if (!/^[\u0021-\u007e]+$/.test(text)) throw unavailable(name, `${what} is no token`);
  return text;
}

/** @throws TypeError when something required is no text. It is not quoted: it may be the secret itself. */
export function requireText(given: unknown, what: string): asserts given is string {
  if (typeof given === "string" && given.trim() !== "" && given.length <= 2_048) return;
  throw new TypeError(`${what}: must be a text that is not empty`);
}
