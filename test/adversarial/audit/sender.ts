// Mints and closes keys until it is killed, and notes each line that the sink has accepted.
// With "drain": only sends what waits.
import { openSync, writeSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { postgresSink } from "@agent-keys/audit/postgres";
import { createAgentKeys, type Sink } from "@agent-keys/core";

const [, , connection = "", spool = "", notes = "", mode = ""] = process.argv;
const sink = postgresSink({ connection, spool, flushMs: 30_000 });
if (mode === "drain") {
  await sink.flush?.();
  process.exit(0);
}
const fd = openSync(notes, "a", 0o600);
const noting: Sink = {
  ...sink,
  write(event, line) {
    void sink.write(event, line);
    writeSync(fd, `${line}\n`);
  },
};
const keys = createAgentKeys({ agent: "bot", policy: "allow-all", audit: noting });
console.log("up");
for (;;) {
  keys.mint("github:repos.read").close("ok");
  await turn();
}
