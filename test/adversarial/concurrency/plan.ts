import type { Outcome } from "@agent-keys/core";
import type { Seeded } from "../seeded.ts";

/** What a tool call does. */
export const kinds = [
  "value",
  "promise",
  "throws",
  "rejects",
  "streams",
  "streamThrows",
  "closesItself",
  "nests",
  "denied",
  "keyless",
  "waits",
  "returnsEarly",
  "abandoned",
] as const;

export type Kind = (typeof kinds)[number];

/** How calls get to their tools. */
export const aiPaths = ["ai.generateText", "ai.streamText", "ai.agent", "ai.direct"] as const;
export const langchainPaths = ["lc.toolNode", "lc.agent", "lc.direct"] as const;

export type Path = (typeof aiPaths)[number] | (typeof langchainPaths)[number];

export interface Call {
  readonly id: string;
  readonly kind: Kind;
  /** How often its body waits. */
  readonly steps: number;
  /** Its key lives for one second, since nobody will end the call. */
  readonly brief: boolean;
  /** What the agent inside it does. */
  readonly inside: Run | undefined;
}

/** Calls that are made at the same time, by one model or one caller. */
export interface Run {
  readonly path: Path;
  /** Whether the caller aborts once all have started, or reads the first of the stream and leaves. */
  readonly stop: "no" | "abort" | "leave";
  readonly calls: readonly Call[];
}

const MOST_AT_ONCE = 12;

/** Calls in one step of a loop end by themselves; only a caller of its own can walk away from one. */
const inLoops: readonly Kind[] = [
  "value",
  "promise",
  "throws",
  "rejects",
  "streams",
  "streamThrows",
  "closesItself",
  "denied",
  "keyless",
];

/** A mix of runs with this many calls in all, those of agents inside others included. */
export function plan(random: Seeded, wanted: number, paths: readonly Path[]): readonly Run[] {
  const runs: Run[] = [];
  const tally = { left: wanted };
  const run = (name: string, depth: number, inGraph: boolean): Run => {
    const path = random.pick<Path>(depth === 0 ? paths : [...aiPaths, ...langchainPaths]);
    const stop = stopOf(random, { path, depth, inGraph });
    const room = Math.max(1, Math.min(MOST_AT_ONCE, tally.left));
    const size = 1 + random.below(depth === 0 ? room : Math.min(room, 3));
    tally.left -= size;
    const calls = Array.from({ length: size }, (_, index): Call => {
      const kind = kindOf(random, { path, stop, depth, first: index === 0 });
      const id = `${name}.${index}`;
      const nests = kind === "nests" && tally.left > 0;
      const inside = nests ? run(id, depth + 1, inGraph || path === "lc.agent") : undefined;
      const brief = kind === "abandoned" || stop === "leave";
      return { id, kind, steps: 1 + random.below(4), brief, inside };
    });
    return { path, stop, calls };
  };
  for (let count = 0; tally.left > 0; count += 1) runs.push(run(`run-${count}`, 0, false));
  return runs;
}

interface Level {
  readonly path: Path;
  readonly depth: number;
  /** Whether it is inside a LangGraph graph, at any depth. */
  readonly inGraph: boolean;
}

function stopOf(random: Seeded, { path, depth, inGraph }: Level): Run["stop"] {
  // LangGraph gives a graph inside another the outer one's signal in place of its own, so tools of an
  // inner agent never learn that it was aborted, with or without keys.
  if (inGraph && path === "lc.agent") return "no";
  if (path === "ai.streamText" && depth === 0 && random.chance(0.1)) return "leave";
  return random.chance(0.15) ? "abort" : "no";
}

interface Place {
  readonly path: Path;
  readonly stop: Run["stop"];
  readonly depth: number;
  readonly first: boolean;
}

function kindOf(random: Seeded, { path, stop, depth, first }: Place): Kind {
  if (stop === "leave") return random.pick<Kind>(["streams", "promise", "value"]);
  if (stop === "abort" && (first || random.chance(0.5))) return "waits";
  if (depth < 2 && random.chance(0.1)) return "nests";
  if (!path.endsWith(".direct") || stop === "abort") return random.pick(inLoops);
  return random.pick<Kind>([...inLoops, "returnsEarly", "abandoned"]);
}

/** How the record may say that a call ended; none when no key is minted for it. */
export function expectedOutcomes({ kind }: Call, { stop }: Run): readonly Outcome[] {
  if (kind === "keyless" || kind === "denied") return [];
  const ended = ENDS[kind];
  // Of what was under way when everything stopped, some was done already.
  if (stop === "leave") return [ended, "cancelled", "expired"];
  return stop === "abort" ? [ended, "cancelled"] : [ended];
}

const ENDS: Readonly<Record<Exclude<Kind, "denied" | "keyless">, Outcome>> = {
  value: "ok",
  promise: "ok",
  throws: "error",
  rejects: "error",
  streams: "ok",
  streamThrows: "error",
  closesItself: "ok",
  nests: "ok",
  waits: "cancelled",
  returnsEarly: "cancelled",
  abandoned: "expired",
};

export interface Placed {
  readonly call: Call;
  readonly run: Run;
  /** The call in which the agent runs that makes this one. */
  readonly parent: Call | undefined;
  /** Whether something outside of the run may stop it at any time. */
  readonly outerStop: boolean;
}

/** Every call there is, those inside others too. */
export function everyCall(
  runs: readonly Run[],
  parent?: Call,
  outerStop = false,
): readonly Placed[] {
  return runs.flatMap((run) =>
    run.calls.flatMap((call) => {
      const inside = call.inside === undefined ? [] : [call.inside];
      const stopped = outerStop || run.stop !== "no";
      return [{ call, run, parent, outerStop }, ...everyCall(inside, call, stopped)];
    }),
  );
}
