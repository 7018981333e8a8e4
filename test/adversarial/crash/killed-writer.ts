import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Seeded } from "../seeded.ts";

/** What writers said that they had done, before they died. */
export interface Acknowledged {
  readonly minted: Set<string>;
  readonly closed: Set<string>;
  /** How many died in the middle of a line. */
  torn: number;
  kills: number;
}

/** Nothing yet. */
export function nothingAcknowledged(): Acknowledged {
  return { minted: new Set(), closed: new Set(), torn: 0, kills: 0 };
}

const WRITER = fileURLToPath(new URL("./writer.ts", import.meta.url));
const LONGEST_LIFE_MS = 60;
/** Which writes of the first ones tear: the opening event, an intent, an outcome, … */
const TORN_WITHIN = 40;
const HANGS_MS = 30_000;

/** Lets one writer live, and kills it at a moment that chance chooses: with -9, or within a line. */
export async function liveAndDie(
  path: string,
  { options, random, said }: { options: object; random: Seeded; said: Acknowledged },
): Promise<void> {
  const lifeMs = random.next() * LONGEST_LIFE_MS;
  const tear = random.chance(0.25)
    ? { atWrite: 1 + random.below(TORN_WITHIN), share: random.next() }
    : null;
  const child = spawn(
    process.execPath,
    [WRITER, path, JSON.stringify(options), JSON.stringify(tear)],
    { stdio: ["ignore", "inherit", "inherit", "pipe"] },
  );
  const died = once(child, "exit") as Promise<[number | null, string | null]>;
  const lines = createInterface({ input: child.stdio[3] as Readable });
  const closed = once(lines, "close");
  const hangs = setTimeout(() => child.kill("SIGKILL"), HANGS_MS);
  let kill: NodeJS.Timeout | undefined;
  let acknowledged = 0;
  lines.on("line", (line) => {
    acknowledged += 1;
    // From the first one on: before it, Node is starting.
    if (tear === null) kill ??= setTimeout(() => child.kill("SIGKILL"), lifeMs);
    const [what, id = ""] = line.split(" ");
    (what === "minted" ? said.minted : said.closed).add(id);
  });
  const [code, signal] = await died;
  await closed;
  clearTimeout(kill);
  clearTimeout(hangs);
  if (signal !== "SIGKILL") throw new Error(`a writer ended by itself, with ${String(code)}`);
  if (tear === null && acknowledged === 0) throw new Error("a writer hung, and did nothing");
  said.kills += 1;
  if (tear !== null) said.torn += 1;
}
