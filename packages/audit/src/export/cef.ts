import { type AuditEvent, printable } from "@agent-keys/core/audit";
import { type EventFields, fieldsOf, isRefusal } from "./fields.ts";

/** The version of CEF whose keys and lengths these are. */
const CEF_VERSION = 0;
const LOW = 1;
const MEDIUM = 5;

/** A key of the extension, and how long its value may be. */
type Entry = readonly [key: string, value: string | number | undefined, length: number];

/**
 * An event as a line of ArcSight's Common Event Format, without syslog's header. What the dictionary
 * of CEF has no key for is in the device's custom strings, each with its label.
 *
 * @param version - This product's.
 */
export function cefLine(event: AuditEvent, version: string): string {
  const fields = fieldsOf(event);
  const severity = isRefusal(fields) || fields.outcome === "error" ? MEDIUM : LOW;
  const head = ["Agent Keys", "agent-keys", version, fields.type, nameOf(fields), String(severity)];
  const extension = entriesOf(fields)
    .flatMap(([key, value, length]) =>
      value === undefined ? [] : [`${key}=${extensionText(cut(String(value), length))}`],
    )
    .join(" ");
  return `CEF:${CEF_VERSION}|${head.map(headerText).join("|")}|${extension}\n`;
}

function nameOf({ type, outcome, code }: EventFields): string {
  return [type, outcome ?? code].filter((part) => part !== undefined).join(" ");
}

function entriesOf(fields: EventFields): readonly Entry[] {
  const { tool } = fields;
  return [
    ["rt", Date.parse(fields.time), 13],
    ["externalId", fields.id, 40],
    ["deviceExternalId", fields.writer, 255],
    ["sourceServiceName", fields.iss, 1023],
    ["suser", fields.user ?? fields.by, 1023],
    ["act", fields.type, 63],
    ["outcome", fields.outcome ?? fields.status, 63],
    ["reason", fields.code ?? fields.reason, 1023],
    ["app", fields.service, 31],
    ["requestMethod", fields.method, 1023],
    ["request", fields.route, 1023],
    ["in", fields.bytes, 20],
    ...labelled("cs1", "agent", fields.agent),
    ...labelled("cs2", "keyId", fields.keyId),
    ...labelled("cs3", "scopes", fields.scopes?.join(" ")),
    ...labelled("cs4", "tool", tool?.name),
    ...labelled("cs5", "callId", tool?.callId),
    ...labelled("cs6", "txn", fields.txn),
    ...labelled("cn1", "durationMs", rounded(fields.durationMs)),
  ];
}

function labelled(
  key: string,
  label: string,
  value: string | number | undefined,
): readonly Entry[] {
  return value === undefined
    ? []
    : [
        [`${key}Label`, label, 1023],
        [key, value, 4_000],
      ];
}

/** A custom number is a whole one. */
function rounded(durationMs: number | undefined): number | undefined {
  return durationMs === undefined ? undefined : Math.round(durationMs);
}

function headerText(text: string): string {
  return printable(text).replaceAll("\\", "\\\\").replaceAll("|", "\\|");
}

function extensionText(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("=", "\\=");
}

/** Not within a character, and before it is escaped: the limit is on what is meant. */
function cut(text: string, length: number): string {
  const shown = printable(text);
  return shown.length <= length
    ? shown
    : `${shown.slice(0, length - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
