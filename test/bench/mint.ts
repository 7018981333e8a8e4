import { type AgentKey, memorySink } from "@agent-keys/core";
import { rawSign, specimen } from "./floors.ts";
import { atMost, type Benchmark, compare } from "./result.ts";
import { costOf, interleave, threadClock } from "./rounds.ts";
import { openSubject } from "./subject.ts";

const CALLS = 2_500;

/** (a) What a mint costs beyond its signature. */
export const mint: Benchmark = {
  id: "a",
  title: "Mint, without audit",
  means: [
    "ours: keys.mint of a constrained grant under a policy, to a sink that does nothing " +
      "(the line for it is made and hashed all the same)",
    "floor: one node:crypto Ed25519 sign of the same bytes, and JSON.stringify of the claims",
    "both: processor time of the main thread, where all of it is done",
  ],
  async run(plan) {
    const subject = openSubject(() => undefined);
    const { keys, privateKey } = subject;
    const bytes = specimen(openSubject(memorySink()));
    const samples = await interleave(
      {
        ours: () => {
          const minted: AgentKey[] = [];
          const cost = costOf(threadClock, CALLS, () => {
            const grant = { scope: "tickets:read", where: { ticketId: "t-1042" }, uses: 1 };
            minted.push(keys.mint(grant));
          });
          for (const key of minted) key.close();
          return cost;
        },
        floor: () =>
          costOf(threadClock, CALLS, () => {
            JSON.stringify(bytes.claims);
            rawSign(bytes, privateKey);
          }),
      },
      plan,
    );
    return [compare("mint", { target: atMost(1.3) }, samples.ours, samples.floor)];
  },
};
