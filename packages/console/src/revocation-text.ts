import type { Revocation, RevocationSelector } from "@agent-keys/core";
import { printable } from "@agent-keys/core/audit";

/** What a revocation stops: `agent repo-bot`, `everything`. */
export function selectorText(selector: RevocationSelector): string {
  if ("all" in selector) return "everything";
  const [name, value] = Object.entries(selector)[0] ?? [];
  return `${name} ${printable(value ?? "")}`;
}

/** Whose keys: those of one issuer, or all. */
export function ofWhom(iss: string | undefined): string {
  return iss === undefined ? "of every issuer" : `of ${printable(iss)}`;
}

/** One line: since when, what, whose, why. */
export function revocationLine({ selector, iss, reason, atMs }: Revocation): string {
  const since = new Date(atMs).toISOString().replace(/\.\d+Z$/, "Z");
  const why = reason === undefined ? "" : `  ${printable(reason)}`;
  return `${since}  ${selectorText(selector)}, ${ofWhom(iss)}${why}`;
}
