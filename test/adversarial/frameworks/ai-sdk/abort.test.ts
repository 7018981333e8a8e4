import { call } from "../compare.ts";
import { callOf } from "../model-server.ts";
import { type Case, compareCases, id, noting } from "./cases.ts";
import { sdks } from "./sdks.ts";

const cases: readonly Case[] = [
  {
    name: "a tool that gives up when the run is aborted",
    tools: (journal) => ({
      get: noting(journal, "get", async (_, { abortSignal }) => {
        const signal = abortSignal as AbortSignal;
        const stopped = Promise.withResolvers<never>();
        signal.addEventListener("abort", () => stopped.reject(signal.reason));
        journal.abort.abort();
        return await stopped.promise;
      }),
    }),
    turns: [callOf("get", id)],
    aborted: true,
    audit: call("get", "cancelled"),
  },
  {
    name: "a tool that does not mind, and returns",
    tools: (journal) => ({
      get: noting(journal, "get", (input) => {
        journal.abort.abort(new Error("the user left"));
        return input.id;
      }),
    }),
    turns: [callOf("get", id)],
    aborted: true,
    audit: call("get", "cancelled"),
  },
  {
    name: "a tool that is streaming",
    tools: (journal) => ({
      rows: noting(journal, "rows", async function* () {
        yield await Promise.resolve("first");
        journal.abort.abort();
        yield "second";
      }),
    }),
    turns: [callOf("rows", id)],
    aborted: true,
    audit: call("rows", "cancelled"),
  },
];

compareCases(cases, { sdks });
