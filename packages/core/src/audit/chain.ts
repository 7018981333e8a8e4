import { hash as digest, randomBytes } from "node:crypto";
import { deepFreeze } from "../deep-freeze.ts";
import type { AuditEvent, AuditFact } from "./event.ts";
import { AUDIT_VERSION } from "./event.ts";

/** The `prev` of a writer's first line. */
export const GENESIS: string = "0".repeat(64);

/** An event sealed into a chain, and the exact line whose bytes its hash covers. */
export interface SealedLine {
  readonly event: AuditEvent;
  /** JSON without a line break. */
  readonly line: string;
}

/** What identifies an event before a chain takes it. */
export interface Stamp {
  readonly id: string;
  readonly time: string;
}

/** One writer's hash chain. */
export interface Chain {
  /** Seals a fact as the next line, without yet advancing: a line that is not written was not. */
  seal(fact: AuditFact, stamp: Stamp): SealedLine;
  /** Advances past a line that was written. */
  advance(sealed: SealedLine): void;
}

/** Starts a chain with a random writer id. */
export function startChain(): Chain {
  const writer = randomBytes(9).toString("base64url");
  let seq = 0;
  let prev = GENESIS;
  return {
    seal(fact, { id, time }) {
      const unhashed = { v: AUDIT_VERSION, writer, seq, time, id, ...fact, prev } as const;
      const body = JSON.stringify(unhashed).slice(0, -1);
      const hash = lineHash(body);
      // Same order as in the line, so that serialising the event again gives the same bytes.
      // Frozen, because it shares its grants with the key, and every sink gets the same objects.
      const event = deepFreeze({ ...unhashed, hash });
      return { event, line: `${body},"hash":"${hash}"}` };
    },
    advance({ event }) {
      seq = event.seq + 1;
      prev = event.hash;
    },
  };
}

/** SHA-256, hex, of a line's bytes before `,"hash":`. */
export function lineHash(body: string | Uint8Array): string {
  return digest("sha256", body);
}
