/** A few scenarios by every way in that there is, and batches. */
import { call } from "../compare.ts";
import { callOf } from "../model-server.ts";
import { type Case, compareCases, id, noting } from "./cases.ts";
import { batchDrivers, rareDrivers } from "./direct-drivers.ts";
import { nodeDrivers, protocolDrivers, rareAgents } from "./graph-drivers.ts";
import { newestOnly, versions, withAgents } from "./versions.ts";

const cases: readonly Case[] = [
  {
    name: "results with artifacts, errors and an unknown tool",
    tools: (journal, lang) => [
      noting(lang, journal, "get", async (input) => [input.id, { raw: input }], {
        responseFormat: "content_and_artifact",
        metadata: { team: "a" },
        tags: ["t"],
      }),
      noting(lang, journal, "fails", () => {
        throw new RangeError("no such ticket");
      }),
    ],
    turns: [callOf("get", id), callOf("fails", id), callOf("gone", id)],
    audit: [...call("get"), ...call("fails", "error")],
  },
  {
    name: "a tool that streams",
    tools: (journal, lang) => [
      noting(lang, journal, "rows", async function* (input) {
        yield { row: 1, ...input };
        return "one row";
      }),
    ],
    turns: [callOf("rows", id)],
    audit: call("rows"),
    streaming: true,
  },
];

compareCases(cases, { versions, drivers: rareDrivers });
compareCases(cases, { versions: withAgents, drivers: [...nodeDrivers, ...rareAgents] });
compareCases(cases, { versions: newestOnly, drivers: protocolDrivers });

const ids = ["1", "2", "3", "4"];
const batch = (name: string, failing: readonly string[]): Case => ({
  name,
  tools: (journal, lang) => [
    noting(lang, journal, "get", async (input) => {
      // The earlier ones have further to go.
      for (let turns = 40 - 10 * Number(input.id); turns > 0; turns--) await Promise.resolve();
      if (failing.includes(input.id)) throw new Error(`no ${input.id}`);
      return input.id;
    }),
  ],
  turns: ids.map((one) => callOf("get", { id: one }, `call-${one}`)),
  audit: ids.flatMap((one) => call("get", failing.includes(one) ? "error" : "ok", `call-${one}`)),
});

compareCases([batch("a batch of many", [])], { versions, drivers: batchDrivers });
compareCases([batch("a batch of which some fail", ["2", "3"])], {
  versions,
  drivers: batchDrivers.filter(({ name }) => name.endsWith("exceptions")),
});
