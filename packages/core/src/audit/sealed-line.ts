import { isUtf8 } from "node:buffer";
import { lineHash } from "./chain.ts";
import { lineStarts } from "./line-starts.ts";

/** What of a line places it in its writer's chain. */
export interface Seal {
  readonly v: number;
  readonly writer: string;
  readonly seq: number;
  readonly prev: string;
  readonly hash: string;
  readonly type: string | undefined;
  readonly time: string | undefined;
  readonly atByte: number | undefined;
  /** When the file was begun that an `audit.rotated` left. */
  readonly begun: string | undefined;
  /** Until when files were begun that an `audit.rotated` removed. */
  readonly removedUntil: string | undefined;
}

/** A whole line as it was found, and whether its bytes are the ones that its writer sealed. */
export interface SealedBytes {
  readonly seal: Seal;
  /** `"intact"`, or in which way the bytes are not what the hash covers. */
  readonly state: "intact" | "changed" | "rewritten" | "not_utf8";
  /** The hash that the bytes have. */
  readonly computed: string;
  /** How many bytes of a torn line stand before it on the same line. */
  readonly behindBytes: number;
}

/** `,"hash":"`, 64 hexadecimal digits, `"}`. */
const TAIL_BYTES = 9 + 64 + 2;
const HEX = /^[0-9a-f]{64}$/;

/** Finds the whole line among some bytes: all of them, or what stands behind a torn one. */
export function readSealedBytes(bytes: Buffer): SealedBytes | undefined {
  const whole = sealOf(bytes, 0);
  if (whole !== undefined) return whole;
  for (const start of lineStarts(bytes)) {
    const behind = sealOf(bytes.subarray(start), start);
    if (behind !== undefined) return behind;
  }
  return undefined;
}

function sealOf(bytes: Buffer, behindBytes: number): SealedBytes | undefined {
  const seal = readSeal(bytes.toString("utf8"));
  if (seal === undefined) return undefined;
  const computed = lineHash(bytes.subarray(0, Math.max(0, bytes.length - TAIL_BYTES)));
  return { seal, state: stateOf(bytes, seal, computed), computed, behindBytes };
}

function stateOf(bytes: Buffer, seal: Seal, computed: string): SealedBytes["state"] {
  if (!isUtf8(bytes)) return "not_utf8";
  const tail = bytes.subarray(-TAIL_BYTES).toString("latin1");
  // A hash elsewhere than at the very end would leave the bytes behind it uncovered.
  if (tail !== `,"hash":"${seal.hash}"}`) return "rewritten";
  return computed === seal.hash ? "intact" : "changed";
}

function readSeal(text: string): Seal | undefined {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof line !== "object" || line === null) return undefined;
  const { v, writer, seq, prev, hash, type, time, atByte, begun, removed } = line as Record<
    string,
    unknown
  >;
  if (typeof v !== "number" || typeof writer !== "string" || writer.length > 1024) return undefined;
  if (typeof seq !== "number" || !Number.isSafeInteger(seq) || seq < 0) return undefined;
  if (typeof prev !== "string" || typeof hash !== "string") return undefined;
  if (!HEX.test(prev) || !HEX.test(hash)) return undefined;
  return {
    v,
    writer,
    seq,
    prev,
    hash,
    type: typeof type === "string" ? type : undefined,
    time: instantOf(time),
    atByte: typeof atByte === "number" ? atByte : undefined,
    begun: instantOf(begun),
    removedUntil:
      typeof removed === "object" && removed !== null && "begunUntil" in removed
        ? instantOf(removed.begunUntil)
        : undefined,
  };
}

function instantOf(value: unknown): string | undefined {
  return typeof value === "string" && TIME.test(value) ? value : undefined;
}

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
