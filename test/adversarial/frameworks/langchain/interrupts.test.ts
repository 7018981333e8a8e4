/** A run that stops in a tool, or before it, and goes on later. */
import { call } from "../compare.ts";
import { callOf } from "../model-server.ts";
import { type Case, compareCases, id, noting } from "./cases.ts";
import { agentDrivers, allAgents } from "./graph-drivers.ts";
import { withAgents } from "./versions.ts";

const THREAD = { configurable: { thread_id: "thread" } };

const cases: readonly Case[] = [
  {
    name: "a tool that interrupts, and is run again with the answer",
    tools: (journal, lang) => [
      noting(lang, journal, "get", (input) => {
        const answer: unknown = lang.graph.interrupt({ sure: input.id });
        journal.tell("answered", answer);
        return `${input.id} ${String(answer)}`;
      }),
    ],
    settings: (_, { checkpoint }) => ({ checkpointer: new checkpoint.MemorySaver() }),
    config: () => THREAD,
    turns: [callOf("get", id)],
    resume: ["yes"],
    audit: [...call("get", "interrupted"), ...call("get")],
  },
  {
    name: "a tool that interrupts twice, beside one that does not",
    tools: (journal, lang) => [
      noting(lang, journal, "get", () => {
        const answers = [lang.graph.interrupt("first"), lang.graph.interrupt("second")];
        return answers.map(String).join();
      }),
      noting(lang, journal, "free", (input) => input.id),
    ],
    settings: (_, { checkpoint }) => ({ checkpointer: new checkpoint.MemorySaver() }),
    config: () => THREAD,
    turns: [callOf("free", id), callOf("get", id)],
    resume: ["one", "two"],
    audit: [
      ...call("free"),
      ...call("get", "interrupted"),
      ...call("get", "interrupted"),
      ...call("get"),
    ],
  },
];

const asked = (decision: object): Omit<Case, "name" | "audit"> => ({
  tools: (journal, lang) => [noting(lang, journal, "get", (input) => input.id)],
  settings: (_, { checkpoint, langchain }) => ({
    checkpointer: new checkpoint.MemorySaver(),
    middleware: [langchain.humanInTheLoopMiddleware({ interruptOn: { get: true } } as never)],
  }),
  config: () => THREAD,
  turns: [callOf("get", id)],
  resume: [{ decisions: [decision] }],
});

const approvals: readonly Case[] = [
  { name: "a person approves", ...asked({ type: "approve" }), audit: call("get") },
  {
    name: "a person changes the call",
    ...asked({ type: "edit", editedAction: { name: "get", args: { id: "t-2" } } }),
    audit: call("get"),
  },
  { name: "a person rejects", ...asked({ type: "reject", message: "no" }), audit: [] },
];

compareCases(cases, { versions: withAgents, drivers: allAgents });
compareCases(approvals, { versions: withAgents, drivers: agentDrivers });
