import { type AuditEvent, type AuditFact, GENESIS, lineHash } from "@agent-keys/core/audit";

/** A line as a writer seals it, and its event. */
export interface Sealed {
  readonly event: AuditEvent;
  readonly line: string;
}

/** A writer for tests, that puts any facts into its chain, a millisecond apart. */
export function writerNamed(
  writer: string,
  fromMs: number = Date.UTC(2026, 0, 1),
): (fact: AuditFact) => Sealed {
  let seq = 0;
  let prev = GENESIS;
  return (fact) => {
    const time = new Date(fromMs + seq).toISOString();
    const unhashed = {
      v: 1,
      writer,
      seq,
      time,
      id: `${writer}.${seq + 1}`,
      ...fact,
      prev,
    } as const;
    const body = JSON.stringify(unhashed).slice(0, -1);
    const hash = lineHash(body);
    seq += 1;
    prev = hash;
    return { event: { ...unhashed, hash }, line: `${body},"hash":"${hash}"}` };
  };
}

/** The facts of one tool call: minted, one request, closed. */
export function callFacts({
  keyId,
  agent = "bot",
  user,
  tool = "read_repo",
  callId = `call_${keyId}`,
  scope = "github:repos.read",
  outcome = "ok",
}: {
  keyId: string;
  agent?: string;
  user?: string;
  tool?: string;
  callId?: string;
  scope?: string;
  outcome?: "ok" | "error";
}): readonly AuditFact[] {
  const key = {
    iss: "urn:test",
    agent,
    ...(user === undefined ? {} : { user }),
    tool: { name: tool, callId, framework: "test" },
    scopes: [scope],
    grants: [{ scope }],
    keyId,
  };
  const request = { ...key, service: "github", method: "GET", route: "/repos/:owner" };
  return [
    { ...key, type: "key.minted", kid: "kid", expiresAt: "2027-01-01T00:00:00.000Z" },
    { ...request, type: "request.allowed" },
    { ...request, type: "request.completed", status: 200, bytes: 12, durationMs: 3 },
    { ...key, type: "key.closed", outcome, durationMs: 7 },
  ];
}
