import {
  type AuditEvent,
  eventText,
  type EventWidths,
  measureEvents,
  printableJson,
  type ReadEvent,
  tint,
} from "@agent-keys/core/audit";
import { styleOf } from "./style-of.ts";
import type { Terminal } from "./terminal.ts";

/** Turns events into the lines that show them. */
export type EventLines = (found: readonly ReadEvent[]) => string;

/** Lines for a terminal or a pipe, or JSON: the record's own lines, but safe to print. */
export function eventLines(terminal: Terminal, json: boolean): EventLines {
  return json ? jsonLines : textLines(terminal);
}

function jsonLines(found: readonly ReadEvent[]): string {
  return found.map(({ line }) => `${printableJson(line)}\n`).join("");
}

function textLines(terminal: Terminal): EventLines {
  let widths: EventWidths | undefined;
  let day = "";
  const dayLine = ({ time }: AuditEvent): string => {
    const date = time.slice(0, 10);
    // Where whole times are shown, a line must stand for itself.
    if (terminal.columns === Infinity || date === day) return "";
    day = date;
    return `${tint(`${date} UTC`, "dim", styleOf(terminal))}\n`;
  };
  return (found) => {
    widths = measureEvents(
      found.map(({ event }) => event),
      widths,
    );
    const style = { ...styleOf(terminal), widths };
    return found.map(({ event }) => `${dayLine(event)}${eventText(event, style)}\n`).join("");
  };
}
