import { deepEqual, match } from "node:assert/strict";
import type { AuditEvent } from "@agent-keys/core";

/** What a run left behind. */
export interface Run {
  readonly events: readonly AuditEvent[];
  /** What reached the service, as it saw it. */
  readonly served: readonly string[];
  /** What the agents said in the end, which is what the model was told. */
  readonly told: readonly string[];
}

/** Throws unless everything happened that the demo says happens, and nothing else. */
export function checkDemo({ events, served, told }: Run): void {
  deepEqual(events.flatMap(callOf), [
    "support-bot get_ticket ok",
    "support-bot get_ticket error",
    "support-bot delete_ticket policy_denied",
    "support-bot reply ok",
    "report-bot exportTickets expired",
    "report-bot notify error",
    "report-bot getTicket error",
    "report-bot listTickets ok",
    "release-bot read_issues ok",
    "release-bot read_issues error",
    "release-bot post error",
    "release-bot post ok",
  ]);
  deepEqual(events.flatMap(requestOf), [
    "request.allowed github:issues.read",
    "request.refused constraint_failed",
    "request.refused constraint_failed",
    "request.allowed slack:chat.write",
    "request.refused key_closed",
  ]);
  // No DELETE: the tool that was denied never ran.
  deepEqual(served, [
    "GET /tickets/A-2 200",
    "GET /tickets/G-1 403 constraint_failed",
    "POST /tickets/A-2/replies 201",
    "GET /tickets 401 key_expired",
    "POST /tickets/A-1/replies 201",
    "POST /tickets/A-1/replies 401 key_used_up",
    "GET /tickets/A-9 404 not_found",
    "GET /tickets 200",
    // Not another repository, not another channel, and nothing for the leaked key.
    "GET /repos/acme/site/issues 200",
    "POST /api/chat.postMessage 200",
  ]);
  const [support = "", report = "", streamed = "", release = "", leaked = ""] = told;
  match(support, /Policy does not allow this call \(tickets:delete\)/);
  match(support, /403 constraint_failed/);
  match(report, /401 key_expired.*401 key_used_up/);
  match(streamed, /404 not_found.*There are 3 others/);
  match(release, /C-RELEASES: posted.*constraint_failed|outside what the key may do/);
  match(leaked, /^401 key_closed/);
}

function requestOf(event: AuditEvent): readonly string[] {
  if (event.type === "request.allowed") return [`${event.type} ${event.scopes.join(" ")}`];
  return event.type === "request.refused" ? [`${event.type} ${event.code}`] : [];
}

function callOf(event: AuditEvent): readonly string[] {
  if (event.type === "key.closed") return [`${event.agent} ${event.tool?.name} ${event.outcome}`];
  if (event.type === "key.denied") return [`${event.agent} ${event.tool?.name} ${event.code}`];
  return [];
}
