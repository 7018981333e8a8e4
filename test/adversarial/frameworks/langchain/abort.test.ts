import { call } from "../compare.ts";
import { callOf } from "../model-server.ts";
import { type Case, compareCases, id, noting } from "./cases.ts";
import { directDrivers } from "./direct-drivers.ts";
import { graphDrivers } from "./graph-drivers.ts";
import { versions, withAgents } from "./versions.ts";

const cases: readonly Case[] = [
  {
    name: "a tool that is aborted, and goes on regardless",
    tools: (journal, lang) => [
      noting(lang, journal, "get", async (input) => {
        journal.abort.abort();
        await new Promise((resolve) => setImmediate(resolve));
        return input.id;
      }),
    ],
    config: (journal) => ({ signal: journal.abort.signal }),
    turns: [callOf("get", id)],
    audit: call("get", "cancelled"),
    exceptOlder: ["tool.batch, returning exceptions"],
  },
  {
    name: "a tool that outlives its time",
    tools: (journal, lang) => [
      noting(lang, journal, "get", async (_, { signal }) => {
        await new Promise<void>((resolve) => {
          if (signal === undefined) resolve();
          else signal.addEventListener("abort", () => resolve());
        });
        return "late";
      }),
    ],
    config: () => ({ timeout: 20 }),
    turns: [callOf("get", id)],
    audit: call("get", "cancelled"),
    // `call` does not mind the time.
    audits: { "tool.call": call("get") },
    // It is rejected by the first call, and nothing waits for the second.
    except: ["tool.batch"],
    exceptOlder: ["tool.streamEvents"],
  },
];

compareCases(cases, { versions, drivers: directDrivers });
compareCases(cases.slice(0, 1), {
  versions: withAgents,
  drivers: graphDrivers,
});
