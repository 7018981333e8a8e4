/** Keys by `agentKeysMiddleware`, beside a middleware that does nothing. */
import { call } from "../compare.ts";
import { callOf } from "../model-server.ts";
import { type Case, compareCases, id, noting } from "./cases.ts";
import { agentDrivers } from "./graph-drivers.ts";
import { byMiddleware } from "./observe.ts";
import { toolCases } from "./tool-cases.ts";
import { withMiddleware } from "./versions.ts";

const flaky: Case = {
  name: "toolRetryMiddleware before it: each attempt has a key",
  tools: (journal, lang) => {
    let failures = 0;
    return [
      noting(lang, journal, "flaky", async (input) => {
        if (failures++ === 0) throw new Error("not yet");
        return input.id;
      }),
    ];
  },
  settings: (_, { langchain }) => ({
    middleware: [
      langchain.toolRetryMiddleware({ maxRetries: 1, initialDelayMs: 1, jitter: false }),
    ],
  }),
  turns: [callOf("flaky", id)],
  audit: [...call("flaky", "error"), ...call("flaky")],
};

const brought: Case = {
  name: "a tool that another middleware brings in, and one that it exchanges",
  tools: (journal, lang) => [noting(lang, journal, "get", () => "never")],
  settings: (journal, lang) => ({
    middleware: [
      lang.langchain.createMiddleware({
        name: "brings",
        tools: [noting(lang, journal, "extra", (input) => input.id) as never],
        wrapToolCall: (request, handler) =>
          handler(
            request.toolCall.name === "get"
              ? { ...request, tool: noting(lang, journal, "get", (input) => input.id) as never }
              : request,
          ),
      }),
    ],
  }),
  turns: [callOf("extra", id), callOf("get", id)],
  audit: [...call("extra"), ...call("get")],
};

/** An error rejects the run, wherever there is a `wrapToolCall`. */
const rejected: Readonly<Record<string, readonly string[]>> = {
  "artifacts, messages and content blocks": [...call("artifact"), ...call("noPair")],
  "errors, thrown at once and later": call("throws", "error"),
  "parallel calls, that end in another order than they begin": [
    ...call("get", "cancelled", "call-1"),
    ...call("get", "error", "call-2"),
    ...call("get", "ok", "call-3"),
  ],
};

const cases = toolCases.map((one) => ({ ...one, audit: rejected[one.name] ?? one.audit }));

compareCases([...cases, flaky, brought], {
  versions: withMiddleware,
  drivers: agentDrivers,
  wrapping: byMiddleware,
});
