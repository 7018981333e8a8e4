import type { Readable } from "node:stream";
import type { Flights } from "./flights.ts";
import type { HeldBody } from "./held-bodies.ts";
import type { Limits } from "./limits.ts";
import { readWhole } from "./read-body.ts";
import type { Refused } from "./refusal.ts";
import type { VerifiedKey } from "./verifier.ts";

/**
 * Reads a body that is decided on, for as long as the key that it came with lives: who is revoked, or at
 * a broker that stops, holds no place until the last byte.
 *
 * @throws Refused as `readWhole`, or what became of the key.
 */
export async function readUnderKey(
  body: Readable,
  key: VerifiedKey,
  flights: Flights,
  { decidedBodyBytes, decidedBodyMs }: Limits,
  held: HeldBody,
): Promise<Buffer> {
  const cutting = new AbortController();
  const deadlineMs = Infinity;
  const cut = (why: Refused): void => cutting.abort(why);
  const flight = { place: -1, key, deadlineMs, cut };
  flights.add(flight);
  try {
    return await readWhole(body, decidedBodyBytes, decidedBodyMs, cutting.signal, held);
  } finally {
    flights.delete(flight);
  }
}
