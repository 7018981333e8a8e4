// Writes a share of a large record: node write-record.ts <file> <events>
import { fileSink } from "@agent-keys/core";
import { openSubject } from "./subject.ts";

const [file = "", count = "0"] = process.argv.slice(2);

// A clock of its own, so that the record spans hours, and the store forgets what has long expired.
let nowMs = Date.UTC(2026, 10, 23, 8);
const { keys } = openSubject(fileSink(file), () => nowMs);

// The first line says that a writer came; every call is two more.
for (let events = 1; events + 2 <= Number(count); events += 2) {
  nowMs += 20;
  keys.mint({ scope: "tickets:read", where: { ticketId: `t-${events}` } }).close();
}
