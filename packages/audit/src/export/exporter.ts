import { type AuditEvent, printableJson } from "@agent-keys/core/audit";
import { cefLine } from "./cef.ts";
import { csvHeader, csvLine } from "./csv.ts";
import { ocsfEvent } from "./ocsf.ts";

/** A form in which other systems take events: CSV, OCSF as JSON Lines, or ArcSight's CEF. */
export type ExportFormat = "csv" | "ocsf" | "cef";

/** All there are. */
export const exportFormats: readonly ExportFormat[] = ["csv", "ocsf", "cef"];

/** Turns events into text, one by one. */
export interface Exporter {
  /** What stands before the first event. */
  readonly header: string;
  /** An event's line, with its end. */
  line(event: AuditEvent): string;
}

/**
 * An exporter of events: CSV (RFC 4180), OCSF 1.8.0 API Activity, or CEF.
 *
 * @param version - The product's version, which OCSF and CEF name.
 */
export function exporter(format: ExportFormat, version: string): Exporter {
  switch (format) {
    case "csv":
      return { header: csvHeader(), line: csvLine };
    case "ocsf":
      return {
        header: "",
        line: (event) => `${printableJson(JSON.stringify(ocsfEvent(event, version)))}\n`,
      };
    case "cef":
      return { header: "", line: (event) => cefLine(event, version) };
  }
}
