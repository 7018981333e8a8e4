import {
  type AuditEvent,
  durationText,
  eventCells,
  fit,
  pad,
  printable,
  shownId,
  type TextStyle,
  textWidth,
  tint,
  type Tone,
  truncate,
  truncateRoute,
} from "@agent-keys/core/audit";
import { grantText } from "./constraint-text.ts";
import type { Call, Step, Story } from "./story.ts";
import { wrap } from "./wrap.ts";

const LABEL = 9;
/** What is left of a route is not less than this. */
const NARROWEST = 8;
/** Deeper nesting is not shown by more space. */
const DEEPEST = 8;

/** A call's story: what it was, what it could do, and what happened when. Pure. */
export function storyText({ call, steps }: Story, nowMs: number, style: TextStyle): string {
  const [headline, tone] = headlineOf(call, steps, nowMs);
  const lines = [
    tint(truncate(printable(headline), style.columns), tone, style),
    ...factsOf(call).flatMap(([name, text]) => fact(name, printable(text), style)),
    "",
    ...timeline(steps, style),
  ];
  return `${lines.join("\n")}\n`;
}

function headlineOf(call: Call, steps: readonly Step[], nowMs: number): [string, Tone] {
  const what = call.tool?.name ?? call.scopes.join(" ");
  const took = call.durationMs === null ? "" : ` in ${durationText(call.durationMs)}`;
  switch (call.outcome) {
    case "ok":
      return [`ok${took}: ${what}`, "good"];
    case "denied":
      return [`DENIED ${call.code}: ${what}`, "bad"];
    case "error":
    case "expired":
      return [`${call.outcome.toUpperCase()}${took}: ${what}`, "bad"];
    case "cancelled":
    case "interrupted":
      return [`${call.outcome}${took}: ${what}`, "warn"];
    case "open":
      if (call.mintedAt === null) return requestsOf(steps);
      return [`${openSince(call, nowMs)}: ${what}`, "warn"];
  }
}

/** Of a key of which a broker's record knows nothing else. */
function requestsOf(steps: readonly Step[]): [string, Tone] {
  const count = (type: AuditEvent["type"]): number =>
    steps.filter(({ event }) => event.type === type).length;
  const [sent, refused] = [count("request.allowed"), count("request.refused")];
  const parts = [
    ...(sent > 0 ? [`${sent} sent`] : []),
    ...(refused > 0 ? [`${refused} refused`] : []),
  ];
  const requests = sent + refused === 1 ? "request" : "requests";
  return [`${requests}: ${parts.join(", ")}`, refused > 0 ? "bad" : "good"];
}

function openSince({ mintedAt, expiresAt }: Call, nowMs: number): string {
  const leftMs = Date.parse(expiresAt ?? "") - nowMs;
  if (leftMs > 0) return `open, expires in ${durationText(leftMs)}`;
  const ageMs = nowMs - Date.parse(mintedAt ?? "");
  return `never closed, minted ${durationText(Math.max(0, ageMs))} ago`;
}

function factsOf(call: Call): readonly (readonly [name: string, text: string])[] {
  const { keyId, tool, agent, user, txn, parentId, expiresAt, mintedAt } = call;
  const lifeMs = Date.parse(expiresAt ?? "") - Date.parse(mintedAt ?? "");
  const facts: readonly (readonly [string, string | null])[] = [
    ["key", keyId],
    ["call", tool === null ? null : [tool.callId, tool.framework].filter(Boolean).join("  ")],
    ["agent", agent],
    ["user", user],
    ["txn", txn],
    ["parent", parentId],
    ["expires", expiresAt && `${expiresAt}, ${durationText(lifeMs)} after it was minted`],
    ...call.grants.map((grant, index): [string, string] => [
      index > 0 ? "or" : call.keyId === null ? "asked" : "may",
      grantText(grant),
    ]),
  ];
  return facts.filter((entry): entry is readonly [string, string] => Boolean(entry[1]));
}

function fact(name: string, text: string, style: TextStyle): readonly string[] {
  const [first = "", ...rest] = wrap(text, Math.max(20, style.columns - LABEL - 2));
  return [
    `  ${tint(pad(name, LABEL), "dim", style)}${first}`,
    ...rest.map((line) => `  ${" ".repeat(LABEL)}${line}`),
  ];
}

function timeline(steps: readonly Step[], style: TextStyle): readonly string[] {
  const isNested = steps.some(({ depth }) => depth > 0);
  const rows = steps.map(({ offsetMs, depth, event }, index) => {
    const cells = eventCells(event);
    const { word, tone, call, last } = cells;
    return {
      clock: event.time.slice(11, 23),
      offset: index === 0 ? "" : `${offsetMs < 0 ? "-" : "+"}${durationText(Math.abs(offsetMs))}`,
      word: `${"  ".repeat(Math.min(depth, DEEPEST))}${word}`,
      tone,
      tool: isNested && call !== undefined ? call.tool : "",
      detail: call?.detail ?? "",
      last,
      id: depth === 0 ? "" : shownId(cells, style.columns),
      isCall: call !== undefined,
    };
  });
  const widest = (name: "offset" | "word" | "tool" | "detail"): number =>
    Math.max(0, ...rows.map((row) => textWidth(row[name])));
  const [offset, word, tool, detail] = [
    widest("offset"),
    widest("word"),
    Math.min(widest("tool"), Math.max(8, Math.floor(style.columns / 4))),
    widest("detail"),
  ];
  return rows.map((row) => {
    const head = `${row.clock}  ${row.offset.padStart(offset)}  `;
    const cells = row.isCall
      ? [...(tool > 0 ? [fit(row.tool, tool)] : []), pad(row.detail, detail), ""]
      : [""];
    const room = Math.max(0, style.columns - textWidth(head) - word - 2);
    const before = cells.join("  ");
    const ids = row.id === "" ? 0 : textWidth(row.id) + 2;
    // A route keeps its end; whatever else there is gives way where the line ends.
    const last = truncateRoute(row.last, Math.max(NARROWEST, room - textWidth(before) - ids));
    const text = withId(`${before}${last}`, row.id, room);
    const shown = tint(pad(row.word, word), row.tone, style);
    return `${tint(head, "dim", style)}${shown}  ${text}`.trimEnd();
  });
}

/** The id by which `show` tells that call's own story: cut off, it would name nothing, so the text gives way. */
function withId(text: string, id: string, columns: number): string {
  const room = columns - textWidth(id) - 2;
  return id === "" || room < 0 ? truncate(text, columns) : `${truncate(text, room)}  ${id}`;
}
