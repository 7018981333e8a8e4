import { setTimeout as wait } from "node:timers/promises";
import { createAgentKeys, fileSink } from "@agent-keys/core";
import { guardTools, type ScopeRule } from "@agent-keys/core/wrap";

/** The ids that a test looks for. */
export interface Recorded {
  readonly ids: { readonly read: string; readonly nested: string; readonly inner: string };
}

const policy = {
  "support-bot": {
    allow: [
      { scope: "tickets:*", where: { project: { in: ["web", "app"] } } },
      { scope: "mail:send", uses: 1 },
    ],
    deny: ["tickets:delete"],
  },
  "report-bot": { allow: [{ scope: "github:*", where: { owner: "acme" } }] },
};

interface Called {
  readonly name: string;
  readonly scope: ScopeRule<never, undefined>;
  readonly input?: Record<string, unknown>;
  readonly callId?: string;
  readonly body?: () => unknown;
}

/** Writes an afternoon of two agents to a file: successes, refusals, failures, nesting, a revocation. */
export async function writeRecord(path: string): Promise<Recorded> {
  using sink = fileSink(path);
  const keys = createAgentKeys({ agent: "support-bot", policy, audit: sink });
  const support = keys.for({ user: "ada@example.com", txn: "chat-7" });
  const reports = keys.for({ agent: "report-bot", txn: "nightly-3" });
  const ids = { read: "", nested: "", inner: "" };

  const call = async (of: typeof keys, { name, scope, input, callId, body }: Called) => {
    const [guard] = guardTools<undefined>(
      [{ name, framework: "ai-sdk", scope, parameters: undefined }],
      { keys: of, expiresIn: "30s" },
    );
    const execution = {
      input: input ?? {},
      call: undefined,
      callId,
      body: body ?? (() => wait(2)),
    };
    // A refusal and a failure are what some of these calls are for.
    await (async () => guard?.(execution))().catch(() => undefined);
  };
  const web = { project: "web" };

  ids.read = "call_Zx81QmPt0a4f";
  await call(support, { name: "get_ticket", scope: "tickets:read", input: web, callId: ids.read });
  await call(support, {
    name: "delete_ticket",
    scope: "tickets:delete",
    input: web,
    callId: "call_9sDkQe71LmVn",
  });
  await call(support, {
    name: "get_ticket",
    scope: "tickets:read",
    input: { project: "payroll" },
    callId: "call_Hb3RwX55TyUi",
  });
  ids.nested = "call_Nn20AaBbCcDd";
  ids.inner = "call_In11EeFfGgHh";
  await call(support, {
    name: "answer_customer",
    scope: { scope: "tickets:reply", where: { ticketId: "T-17" }, uses: 3 },
    input: { ...web, ticketId: "T-17" },
    callId: ids.nested,
    body: async () => {
      await call(support, {
        name: "get_ticket",
        scope: "tickets:read",
        input: web,
        callId: ids.inner,
      });
      await call(support, {
        name: "send_mail",
        scope: "mail:send",
        callId: "call_Ml77JjKkLlMm",
        body: () => Promise.reject(new Error("the mail server is down")),
      });
    },
  });
  await call(reports, {
    name: "list_issues",
    scope: "github:issues.read",
    input: { owner: "acme" },
    callId: "toolu_01Rp4VbN",
  });
  await call(reports, {
    name: "close_issue",
    scope: "github:issues.write",
    input: { owner: "globex" },
    callId: "toolu_01Xk9WcM",
  });
  await keys.revoke({ agent: "report-bot" }, { reason: "reads too much", by: "grace" });
  await call(reports, {
    name: "list_issues",
    scope: "github:issues.read",
    input: { owner: "acme" },
    callId: "toolu_01Ff2ZzQ",
  });
  await support.withAgentKey({ scope: "tickets:read", where: { project: "app" } }, () => wait(1));
  await keys.flush();
  return { ids };
}
