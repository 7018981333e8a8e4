import { verify } from "node:crypto";
import { join } from "node:path";
import { fileSink } from "@agent-keys/core";
import { rawSign, specimen } from "./floors.ts";
import { atMost, type Benchmark, compare } from "./result.ts";
import { costOf, costOfAwaited, interleave, threadClock, wallClock } from "./rounds.ts";
import { INPUT, openSubject } from "./subject.ts";

const CALLS = 100;
const AT_ONCE = 100;
const BATCHES = 15;

/** (d) The whole life of a key in one process. */
export const roundTrip: Benchmark = {
  id: "d",
  title: "Mint, verify, use, two audit lines",
  means: [
    "ours: withAgentKey, and in it verify(token, { request, consume: true }); file audit",
    "floor: one raw Ed25519 sign and one raw verify, synchronous",
    "wall clock; for the main thread its processor time, a key, wherever the rest is done",
  ],
  async run(bench) {
    const subject = openSubject(fileSink(join(bench.directory, "round-trip.jsonl")));
    const { keys, privateKey, publicKey } = subject;
    const bytes = specimen(subject);
    const grant = { scope: "tickets:read", where: INPUT, uses: 1 };
    const request = { scope: "tickets:read", values: INPUT };
    const ours = async (): Promise<void> => {
      await keys.withAgentKey(grant, (token) => keys.verify(token, { request, consume: true }));
    };
    const floor = (): void => {
      rawSign(bytes, privateKey);
      verify(null, bytes.signed, publicKey, bytes.signature);
    };
    const many = async (): Promise<void> => {
      await Promise.all(Array.from({ length: AT_ONCE }, ours));
    };
    const samples = await interleave(
      {
        ours: () => costOfAwaited(wallClock, CALLS, ours),
        floor: () => costOf(wallClock, CALLS, floor),
        oursAtOnce: async () => (await costOfAwaited(wallClock, BATCHES, many)) / AT_ONCE,
        oursOnThread: async () => (await costOfAwaited(threadClock, BATCHES, many)) / AT_ONCE,
        floorOnThread: () => costOf(threadClock, BATCHES * AT_ONCE, floor),
      },
      bench,
    );
    return [
      compare("one after the other", { target: atMost(1.3) }, samples.ours, samples.floor),
      compare(
        "100 at once, main thread",
        { target: atMost(0.6) },
        samples.oursOnThread,
        samples.floorOnThread,
      ),
      compare("100 at once, wall clock", {}, samples.oursAtOnce, samples.floor),
    ];
  },
};
