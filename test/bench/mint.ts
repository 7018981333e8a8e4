import { type AgentKey, memorySink } from "@agent-keys/core";
import { rawSign, specimen } from "./floors.ts";
import { atMost, type Benchmark, compare } from "./result.ts";
import { costOf, interleave, threadClock } from "./rounds.ts";
import { openSubject, withoutAudit } from "./subject.ts";

const CALLS = 2_500;

/** (a) What a mint costs beyond its signature. */
export const mint: Benchmark = {
  id: "a",
  title: "Mint, without audit",
  means: [
    "ours: keys.mint of a constrained grant under a policy, its audit log taken out",
    "floor: one node:crypto Ed25519 sign of the same bytes, and JSON.stringify of the claims",
    "both: processor time of the main thread, where all of it is done",
  ],
  async run(plan) {
    const { keys, privateKey } = withoutAudit(openSubject(() => undefined));
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
