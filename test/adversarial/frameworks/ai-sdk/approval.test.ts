/** A person is asked before a tool runs: `ai` 6 asks by the tool, `ai` 7 by the loop too. */
import { call } from "../compare.ts";
import { callOf } from "../model-server.ts";
import { type Case, compareCases, id, noting, type Options } from "./cases.ts";
import type { Part } from "./observe.ts";
import { sdks } from "./sdks.ts";

const answering =
  (approved: boolean) =>
  (content: readonly Part[]): readonly object[] => {
    const requests = content.filter(({ type }) => type === "tool-approval-request");
    if (requests.length === 0) throw new Error("nobody was asked");
    const answers = requests.map(({ approvalId }) => ({
      type: "tool-approval-response",
      approvalId,
      approved,
      reason: "because",
    }));
    return [{ role: "tool", content: answers }];
  };

const perTool: readonly Case[] = [
  ...[true, false].map((approved) => ({
    name: `by the tool, ${approved ? "approved" : "refused"}, beside one that needs none`,
    tools: (journal: Parameters<typeof noting>[0]) => ({
      get: { ...noting(journal, "get", (input) => input.id), needsApproval: true },
      free: noting(journal, "free", async (input) => input.id),
    }),
    turns: [
      { calls: ["get", "free"].map((name) => ({ id: `call-${name}`, name, args: id })) },
      { text: "done" },
    ],
    answer: answering(approved),
    audit: [...call("free"), ...(approved ? call("get") : [])],
  })),
  {
    name: "by the tool's own function, which is told of the call",
    tools: (journal) => ({
      get: {
        ...noting(journal, "get", (input) => input.id),
        needsApproval: (input: { readonly id: string }, options: Options) => {
          journal.tell("needsApproval", input, Object.keys(options).toSorted());
          return input.id === "t-1";
        },
      },
    }),
    turns: [callOf("get", { id: "t-2" }, "call-free"), callOf("get", id)],
    answer: answering(true),
    audit: [...call("get", "ok", "call-free"), ...call("get")],
  },
];

const perLoop: readonly Case[] = [true, false].map((approved) => ({
  name: `by the loop, ${approved ? "approved" : "refused"}`,
  tools: (journal) => ({
    get: noting(journal, "get", (input) => input.id),
    denied: noting(journal, "denied", (input) => input.id),
    free: noting(journal, "free", (input) => input.id),
  }),
  settings: () => ({ toolApproval: { get: "user-approval", denied: "denied" } }),
  turns: [callOf("free", id), callOf("denied", id), callOf("get", id)],
  answer: answering(approved),
  audit: [...call("free"), ...(approved ? call("get") : [])],
}));

compareCases(perTool, { sdks: sdks.filter(({ major }) => major > 5) });
compareCases(perLoop, { sdks: sdks.filter(({ major }) => major > 6) });
