import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as wait } from "node:timers/promises";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parseLine } from "./read-file.ts";

const url = (file: string) => JSON.stringify(fileURLToPath(new URL(file, import.meta.url)));
const SCRIPT = `
  import { createAgentKeys } from ${url("../agent-keys.ts")};
  import { jsonSink } from ${url("./json-sink.ts")};
  process.stdout.isTTY;
  const keys = createAgentKeys({ agent: "bot", policy: "allow-all", audit: jsonSink() });
  process.send("ready");
  for (let i = 0; i < 500; i += 1) keys.mint({ scope: "a:b", where: { text: "\\n€".repeat(100) } }).close();
  await keys.flush();
  process.disconnect();
`;

test("an event is a JSON line on stdout, and a pipe that is slow gets all of them", async () => {
  const node = ["--conditions=@agent-keys/source", "--input-type=module", "-e", SCRIPT];
  const child = spawn(process.execPath, node, { stdio: ["ignore", "pipe", "pipe", "ipc"] });
  const stderr = text(child.stderr!);
  await once(child, "message");
  await wait(200);
  const lines = (await text(child.stdout!)).split("\n");
  expect(lines.pop()).toBe("");
  const events = lines.map((line) => parseLine(line));
  expect(events).toHaveLength(1000);
  expect(events.map((event) => event?.seq)).toEqual(events.map((_, index) => index));
  expect(await stderr).toBe("");
});

test("a reader that has gone stops keys", async () => {
  const gone = SCRIPT.replace(
    'process.send("ready");',
    `process.send("ready");
     await new Promise((resolve) => process.once("message", resolve));
     try { keys.mint("a:b"); } catch (error) { process.send(error.code); process.exit(0); }`,
  );
  const node = ["--conditions=@agent-keys/source", "--input-type=module", "-e", gone];
  const child = spawn(process.execPath, node, { stdio: ["ignore", "pipe", "inherit", "ipc"] });
  await once(child, "message");
  child.stdout!.destroy();
  await once(child.stdout!, "close");
  child.send("go");
  expect(await once(child, "message")).toEqual(["audit_unavailable", undefined]);
});
