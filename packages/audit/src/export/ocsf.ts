import type { AuditEvent } from "@agent-keys/core/audit";
import { type EventFields, fieldsOf, isRefusal } from "./fields.ts";

/** The version of OCSF whose class and attributes these are. */
export const OCSF_VERSION = "1.8.0";

/** Application Activity: API Activity. */
const CATEGORY_UID = 6;
const CLASS_UID = 6003;
const OTHER = 99;

/** What a method does to a resource, where HTTP says so; of POST it does not (RFC 9110 §9.3.3). */
const ACTIVITIES: Readonly<Record<string, readonly [id: number, name: string]>> = {
  GET: [2, "Read"],
  HEAD: [2, "Read"],
  PUT: [3, "Update"],
  PATCH: [3, "Update"],
  DELETE: [4, "Delete"],
};
const INFORMATIONAL = [1, "Informational"] as const;
const LOW = [2, "Low"] as const;

/**
 * An event as an OCSF event of the class API Activity (6003). Only what the record says: what OCSF has
 * no attribute for is in `unmapped`, under its own name.
 *
 * @param version - This product's.
 */
export function ocsfEvent(event: AuditEvent, version: string): Readonly<Record<string, unknown>> {
  const fields = fieldsOf(event);
  const { type, method = "", durationMs, iss, writer, by } = fields;
  // A record may be somebody else's, and its method `constructor`.
  const known = Object.hasOwn(ACTIVITIES, method) ? ACTIVITIES[method] : undefined;
  const [activityId, activityName] = known ?? [OTHER, type];
  const [severityId, severity] = isRefusal(fields) ? LOW : INFORMATIONAL;
  return defined({
    category_uid: CATEGORY_UID,
    category_name: "Application Activity",
    class_uid: CLASS_UID,
    class_name: "API Activity",
    activity_id: activityId,
    activity_name: activityName,
    type_uid: CLASS_UID * 100 + activityId,
    time: Date.parse(fields.time),
    severity_id: severityId,
    severity,
    ...statusOf(fields),
    duration: durationMs === undefined ? undefined : Math.round(durationMs),
    metadata: defined({
      version: OCSF_VERSION,
      product: { name: "Agent Keys", vendor_name: "Agent Keys", version },
      event_code: type,
      original_event_uid: fields.id,
      original_time: fields.time,
      correlation_uid: fields.txn,
      log_name: writer,
      sequence: fields.seq,
    }),
    actor: actorOf(fields),
    api: defined({
      operation: fields.route === undefined ? type : `${method} ${fields.route}`.trim(),
      service: fields.service === undefined ? undefined : { name: fields.service },
    }),
    src_endpoint: iss === undefined ? { uid: writer } : { svc_name: iss },
    http_request: method === "" ? undefined : { http_method: method },
    http_response:
      fields.status === undefined
        ? undefined
        : defined({ code: fields.status, length: fields.bytes }),
    unmapped: unmappedOf(event, by),
  });
}

function statusOf(fields: EventFields): Readonly<Record<string, unknown>> {
  const { outcome, code, status, reason, check } = fields;
  const isKnown = outcome !== undefined || status !== undefined || isRefusal(fields);
  const failed = isRefusal(fields) || (outcome ?? "ok") !== "ok" || (status ?? 0) >= 400;
  return {
    ...(isKnown ? { status_id: failed ? 2 : 1, status: failed ? "Failure" : "Success" } : {}),
    status_code: code ?? outcome ?? (status === undefined ? undefined : String(status)),
    status_detail: check ?? reason,
  };
}

/** An agent is an application; a user is who it acts for, or who acted on keys. */
function actorOf({ agent, user, by }: EventFields): Readonly<Record<string, unknown>> {
  const name = user ?? by;
  return {
    app_name: agent ?? "agent-keys",
    ...(name === undefined ? {} : { user: { name } }),
  };
}

/** What stands elsewhere in the OCSF event. */
const MAPPED: ReadonlySet<string> = new Set(
  (
    "type time id writer seq iss agent user txn outcome code durationMs service method route " +
    "status bytes check reason by"
  ).split(" "),
);

function unmappedOf(event: AuditEvent, by: string | undefined): Readonly<Record<string, unknown>> {
  const rest = Object.entries(event).filter(([name]) => !MAPPED.has(name));
  const isBoth = "user" in event && by !== undefined;
  return Object.fromEntries(isBoth ? [...rest, ["by", by]] : rest);
}

function defined(values: Record<string, unknown>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
