import { hash, type KeyObject, sign } from "node:crypto";
import { closeSync, openSync, writeSync } from "node:fs";
import type { AuditEvent } from "@agent-keys/core";
import type { Subject } from "./subject.ts";

/** A real token's parts, so that the floors work on the same bytes. */
export interface Specimen {
  readonly token: string;
  readonly claims: object;
  /** What is signed: header and claims, encoded. */
  readonly signed: Buffer;
  readonly signature: Buffer;
}

/** Mints one key and takes its token apart. */
export function specimen({ keys }: Subject): Specimen {
  using key = keys.mint({ scope: "tickets:read", where: { ticketId: "t-1042" }, uses: 1 });
  const { token } = key;
  const [header = "", payload = "", signature = ""] = token.split(".");
  return {
    token,
    claims: JSON.parse(Buffer.from(payload, "base64url").toString()) as object,
    signed: Buffer.from(`${header}.${payload}`),
    signature: Buffer.from(signature, "base64url"),
  };
}

/** An Ed25519 signature, bare: no encoding, no claims. */
export function rawSign({ signed }: Specimen, privateKey: KeyObject): Buffer {
  return sign(null, signed, privateKey);
}

/** The least that a chained audit file costs. */
export interface LineFile extends Disposable {
  /** Serialises the event, hashes it onto the line before, writes it. */
  write(event: object): void;
}

/** One `JSON.stringify`, one SHA-256 in one shot and one `writeSync` a line, and nothing else. */
export function openLineFile(path: string): LineFile {
  const fd = openSync(path, "a", 0o600);
  let prev = "0".repeat(64);
  return {
    write(event) {
      const body = JSON.stringify({ ...event, prev }).slice(0, -1);
      prev = hash("sha256", body);
      writeSync(fd, `${body},"hash":"${prev}"}\n`);
    },
    [Symbol.dispose]: () => closeSync(fd),
  };
}

/** Events as they were recorded, to be written again by a floor. */
export function facts(events: readonly AuditEvent[]): readonly object[] {
  return events.map(({ prev: _prev, hash: _hash, ...fact }) => fact);
}
