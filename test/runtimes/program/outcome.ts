import { auditEvent } from "@agent-keys/core";
import { expectedLines, expectedRecord } from "./program.ts";

/**
 * Says what is wrong with a run of the program: nothing, when `undefined`.
 *
 * @param output - What it wrote: what it says, and the lines of its audit among it.
 */
export function wrongWith(output: string, nowMs: number): string | undefined {
  const lines = output.split("\n").filter((line) => line !== "");
  const said = lines.filter((line) => !line.startsWith("{"));
  const events = lines
    .filter((line) => line.startsWith("{"))
    .map((line) => auditEvent.parse(JSON.parse(line)));
  const record = events.map((event) => {
    const framework = "tool" in event ? event.tool?.framework : undefined;
    const end = "outcome" in event ? event.outcome : "code" in event ? event.code : undefined;
    return [event.type, framework, end].filter((part) => part !== undefined).join(" ");
  });
  // Calls of one step run side by side, so their lines may come in any order.
  const differs =
    difference("said", said, expectedLines) ??
    difference("recorded", record.toSorted(), expectedRecord.toSorted());
  const late = events.find(({ time }) => Math.abs(Date.parse(time) - nowMs) > 60_000);
  return differs ?? (late === undefined ? undefined : `recorded at ${late.time}`);
}

function difference(
  what: string,
  found: readonly string[],
  expected: readonly string[],
): string | undefined {
  if (found.join("\n") === expected.join("\n")) return undefined;
  return `${what}:\n${found.join("\n")}\nexpected:\n${expected.join("\n")}`;
}
