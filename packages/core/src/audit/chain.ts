import { hash as digest, randomBytes } from "node:crypto";
import { deepFreeze } from "../deep-freeze.ts";
import type { AuditEvent } from "./event.ts";
import { AUDIT_VERSION } from "./event.ts";
import { factText, type Recordable, wholeFact } from "./fact.ts";

/** The `prev` of a writer's first line. */
export const GENESIS: string = "0".repeat(64);

/** An event sealed into a chain, and the exact line whose bytes its hash covers. */
export interface SealedLine {
  readonly seq: number;
  readonly hash: string;
  /** JSON without a line break. */
  readonly line: string;
  /** What the line says. Made when it is asked for: most lines are only written. */
  readonly event: () => AuditEvent;
}

/** What identifies an event before a chain takes it. Nothing in it needs an escape in JSON. */
export interface Stamp {
  readonly id: string;
  readonly time: string;
}

/** One writer's hash chain. */
export interface Chain {
  /** Seals a fact as the next line, without yet advancing: a line that is not written was not. */
  seal(fact: Recordable, stamp: Stamp): SealedLine;
  /** Advances past a line that was written. */
  advance(sealed: SealedLine): void;
}

/** Starts a chain with a random writer id. */
export function startChain(): Chain {
  const writer = randomBytes(9).toString("base64url");
  const head = `{"v":${AUDIT_VERSION},"writer":"${writer}"`;
  let nextSeq = 0;
  let last = GENESIS;
  return {
    seal(fact, { id, time }) {
      const seq = nextSeq;
      const prev = last;
      const facts = factText(fact);
      const body = `${head},"seq":${seq},"time":"${time}","id":"${id}",${facts},"prev":"${prev}"`;
      const hash = lineHash(body);
      return {
        seq,
        hash,
        line: `${body},"hash":"${hash}"}`,
        event() {
          const sealed = { v: AUDIT_VERSION, writer, seq, time, id } as const;
          // Same order as in the line, so that serialising the event again gives the same bytes.
          // Frozen, because it shares its grants with the key, and every sink gets the same objects.
          return deepFreeze({ ...sealed, ...wholeFact(fact), prev, hash });
        },
      };
    },
    advance({ seq, hash }) {
      nextSeq = seq + 1;
      last = hash;
    },
  };
}

/** SHA-256, hex, of a line's bytes before `,"hash":`. */
export function lineHash(body: string | Uint8Array): string {
  return digest("sha256", body);
}
