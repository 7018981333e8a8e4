/**
 * A process that mints and closes keys until it is killed. After each mint that returned, and after
 * each close that returned, it says so to its parent over a pipe, and never before.
 *
 * Arguments: the audit file, the sink's options as JSON, and how it tears a line, as JSON: at which
 * write, and after which share of the line.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const ACKNOWLEDGE = 3;
const [path = "", options = "{}", tear = "null"] = process.argv.slice(2);
if (tear !== "null") tearALine(JSON.parse(tear) as { atWrite: number; share: number });

const { createAgentKeys, fileSink } = await import("@agent-keys/core");
const keys = createAgentKeys({
  agent: `bot-${process.pid}`,
  policy: "allow-all",
  audit: fileSink(path, JSON.parse(options) as object),
});
for (let call = 0; ; call += 1) {
  const where = { text: "ü".repeat(call % 200) };
  const key = keys.mint({ scope: "tickets:read", where });
  fs.writeSync(ACKNOWLEDGE, `minted ${key.id}\n`);
  key.close();
  fs.writeSync(ACKNOWLEDGE, `closed ${key.id}\n`);
}

/** As the kernel does to a process that is killed in the middle of a long write. */
function tearALine({ atWrite, share }: { atWrite: number; share: number }): void {
  const whole = fs.writeSync;
  let writes = 0;
  const torn = (fd: number, bytes: Buffer, offset?: number): number => {
    if (fd === ACKNOWLEDGE) return whole(fd, bytes);
    writes += 1;
    if (writes !== atWrite) return whole(fd, bytes, offset);
    whole(fd, bytes, 0, Math.max(1, Math.floor((bytes.length - 2) * share)));
    process.kill(process.pid, "SIGKILL");
    // Signals to oneself are delivered before the call returns, or soon after.
    for (;;);
  };
  fs.writeSync = torn as typeof fs.writeSync;
  syncBuiltinESMExports();
}
