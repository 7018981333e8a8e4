/** Tools that are run again, by what a tool offers itself and by middleware. */
import { call } from "../compare.ts";
import { callOf } from "../model-server.ts";
import { type Case, compareCases, id, noting } from "./cases.ts";
import { retryDrivers } from "./direct-drivers.ts";
import { agentDrivers } from "./graph-drivers.ts";
import { versions, withMiddleware } from "./versions.ts";

const failing = (times: number): Pick<Case, "tools" | "turns"> => ({
  tools: (journal, lang) => {
    let failures = 0;
    const flaky = noting(lang, journal, "flaky", async (input) => {
      if (failures++ < times) throw new Error("not yet");
      return input.id;
    });
    return [flaky];
  },
  turns: [callOf("flaky", id)],
});

const twice = [...call("flaky", "error"), ...call("flaky")];

compareCases(
  [
    { name: "a tool that fails once", ...failing(1), audit: twice },
    {
      name: "a tool that fails",
      ...failing(9),
      audit: [...call("flaky", "error"), ...call("flaky", "error")],
    },
  ],
  // LangChain waits for seconds before it tries again.
  { versions, drivers: retryDrivers, concurrent: true },
);

const retrying =
  (onFailure: string): NonNullable<Case["settings"]> =>
  (_, { langchain }) => ({
    middleware: [
      langchain.toolRetryMiddleware({
        maxRetries: 1,
        initialDelayMs: 1,
        jitter: false,
        onFailure: onFailure as never,
      }),
    ],
  });

compareCases(
  [
    {
      name: "toolRetryMiddleware, for a tool that fails once",
      ...failing(1),
      settings: retrying("continue"),
      audit: twice,
    },
    {
      name: "toolRetryMiddleware, for a tool that fails; the run goes on",
      ...failing(9),
      settings: retrying("continue"),
      audit: [...call("flaky", "error"), ...call("flaky", "error")],
    },
    {
      name: "toolRetryMiddleware, for a tool that fails; the run is rejected",
      ...failing(9),
      settings: retrying("error"),
      audit: [...call("flaky", "error"), ...call("flaky", "error")],
    },
    {
      name: "toolCallLimitMiddleware, and middleware that stands around the call",
      tools: (journal, lang) => [noting(lang, journal, "get", (input) => input.id)],
      settings: (journal, { langchain }) => ({
        middleware: [
          langchain.toolCallLimitMiddleware({ runLimit: 1 } as never),
          langchain.createMiddleware({
            name: "around",
            wrapToolCall: async (request, handler) => {
              journal.tell("before", request.toolCall, Object.keys(request).toSorted());
              const answer = await handler(request);
              journal.tell("after", answer);
              return answer;
            },
          }),
        ],
      }),
      turns: [callOf("get", id), callOf("get", id, "call-over")],
      audit: call("get"),
    },
  ],
  { versions: withMiddleware, drivers: agentDrivers },
);
