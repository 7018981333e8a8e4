import type { AuditEvent, AuditEventOf } from "@agent-keys/core";
import type { TestKeys } from "@agent-keys/core/testing";

/** The record, in short: what happened to which tool's keys, and how it ended or was refused. */
export function story(keys: TestKeys): readonly string[] {
  return keys.events.map((event) => {
    const tool = "tool" in event ? (event.tool?.name ?? "-") : "-";
    const end =
      event.type === "key.closed" ? event.outcome : event.type === "key.denied" ? event.code : "";
    return `${event.type} ${tool} ${end}`.trim();
  });
}

/** The events of one type. */
export function eventsOf<T extends AuditEvent["type"]>(
  keys: TestKeys,
  type: T,
): readonly AuditEventOf<T>[] {
  return keys.events.filter((event): event is AuditEventOf<T> => event.type === type);
}
