import { isDeepStrictEqual } from "node:util";
import { type AuditEvent, currentKey } from "@agent-keys/core";
import { testKeys, type TestKeys } from "@agent-keys/core/testing";
import { expect } from "vitest";
import { plain } from "./plain.ts";

/** What tools write down when their body runs. */
export class Journal {
  /** What each execution was given and did: the same whether its tool is wrapped or not. */
  readonly ran: unknown[] = [];
  /** The scopes of the key that each execution ran under: what wrapping is for. */
  readonly keys: (string | undefined)[] = [];
  /** For scenarios that are aborted. */
  readonly abort: AbortController = new AbortController();

  /** What a tool's body did. */
  note(tool: string, ...facts: unknown[]): void {
    this.tell(tool, ...facts);
    this.keys.push(currentKey()?.scopes.join());
  }

  /** What else was called, that runs under no key. */
  tell(name: string, ...facts: unknown[]): void {
    this.ran.push([name, ...facts]);
  }
}

/** What can be observed of one run from outside. */
interface Observation {
  /** What was sent to the model, byte for byte. */
  readonly wire: readonly string[];
  /** All else, of whatever kind. */
  readonly seen: unknown;
}

/** How the tools of a run are wrapped. */
export type Wrap = <T>(tools: T, wrap: (keys: TestKeys, scope: string | false) => T) => T;

/** Runs a scenario once: with tools that the wrap has seen, writing into the journal. */
export type Run = (journal: Journal, wrap: Wrap) => Promise<Observation>;

const SCOPE = "test:run";

/**
 * Runs a scenario with bare tools, with wrapped ones and (unless told otherwise) with ones wrapped
 * without a key, and demands that nothing differs but the audit, which is returned: each call's events
 * in order, by its id.
 */
export async function compareRuns(
  run: Run,
  { keyless: andKeyless = true }: { readonly keyless?: boolean } = {},
): Promise<readonly string[]> {
  const bare = await runOnce(run, undefined);
  const wrapped = await runOnce(run, SCOPE);
  const keyless = andKeyless ? await runOnce(run, false) : undefined;

  for (const { wire, seen } of [wrapped, keyless ?? bare]) {
    expect(wire).toEqual(bare.wire);
    // The quick way to find out; the slow one says where they differ.
    if (!isDeepStrictEqual(seen, bare.seen)) expect(seen).toStrictEqual(bare.seen);
  }
  // Every body ran under a key of its own scope, and under none where there was to be none.
  const ran = bare.journal.keys.length > 0;
  expect(new Set(wrapped.journal.keys)).toEqual(new Set(ran ? [SCOPE] : []));
  for (const { journal } of [bare, keyless ?? bare]) {
    expect(new Set(journal.keys)).toEqual(new Set(ran ? [undefined] : []));
  }
  expect(wrapped.audit.some((line) => line.startsWith("minted"))).toBe(ran);
  expect(keyless?.audit ?? []).toEqual([]);
  return byCall(wrapped.audit);
}

async function runOnce(run: Run, scope: string | false | undefined) {
  const keys = testKeys();
  const journal = new Journal();
  const { wire, seen } = await run(journal, (tools, wrap) =>
    scope === undefined ? tools : wrap(keys, scope),
  );
  return { journal, wire, seen: plain({ ran: journal.ran, seen }), audit: keys.events.map(line) };
}

/** By the calls' ids: when parallel calls begin is the framework's own affair. */
export function byCall(audit: readonly string[]): readonly string[] {
  const callOf = (event: string): string => event.split(" ")[2] ?? "";
  return audit.toSorted((a, b) => callOf(a).localeCompare(callOf(b)));
}

/** An event, in short: what happened to the key of which call, and how it ended. */
function line(event: AuditEvent): string {
  const { name, callId } = ("tool" in event && event.tool) || { name: "-", callId: undefined };
  const end =
    event.type === "key.closed" ? event.outcome : event.type === "key.denied" ? event.code : "";
  return `${event.type.replace("key.", "")} ${name} ${callId ?? "-"} ${end}`.trim();
}

/** The two lines of a call that ended so before another began. */
export function call(tool: string, outcome = "ok", callId = `call-${tool}`): readonly string[] {
  return [`minted ${tool} ${callId}`, `closed ${tool} ${callId} ${outcome}`];
}
