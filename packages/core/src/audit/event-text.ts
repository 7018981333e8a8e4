import type { AuditEvent } from "./event.ts";
import { printable } from "./printable.ts";

/** How an event is shown to a person. */
export interface TextStyle {
  readonly color: boolean;
  /** Columns of the terminal; longer lines are cut there. */
  readonly columns: number;
}

type Tone = "good" | "bad" | "warn" | "dim";

const TONES: Readonly<Record<Tone, string>> = {
  good: "\u001b[32m",
  bad: "\u001b[31m",
  warn: "\u001b[33m",
  dim: "\u001b[2m",
};
const RESET = "\u001b[0m";

/** Colours a text that is already safe to print. */
export function tint(text: string, tone: Tone, { color }: Pick<TextStyle, "color">): string {
  return color ? `${TONES[tone]}${text}${RESET}` : text;
}

/** One event as one line for a person: time, what happened, who, which tool, what came of it. */
export function eventText(event: AuditEvent, style: TextStyle): string {
  const { word, tone, subject, detail } = describe(event);
  const clock = event.time.slice(11, 23);
  const plain = `${word.padEnd(9)} ${printable([subject, detail].filter(Boolean).join("  "))}`;
  const room = Math.max(20, style.columns - clock.length - 1);
  const cut = truncate(plain, room);
  return `${tint(clock, "dim", style)} ${tint(cut.slice(0, 9), tone, style)}${cut.slice(9)}`;
}

/** Cuts to a number of characters, and says so with an ellipsis. */
export function truncate(text: string, columns: number): string {
  const characters = Array.from(text);
  return characters.length <= columns ? text : `${characters.slice(0, columns - 1).join("")}…`;
}

interface Description {
  readonly word: string;
  readonly tone: Tone;
  readonly subject: string;
  readonly detail: string;
}

function describe(event: AuditEvent): Description {
  switch (event.type) {
    case "key.minted":
      return {
        word: "minted",
        tone: "dim",
        subject: subjectOf(event),
        detail: `${event.scopes.join(" ")}  ${lifeOf(event)}  ${event.keyId}`,
      };
    case "key.denied":
      return {
        word: "DENIED",
        tone: "bad",
        subject: subjectOf(event),
        detail: `${event.code}  ${event.scopes.join(" ")}`,
      };
    case "key.closed":
      return {
        word: event.outcome === "ok" ? "ok" : event.outcome.toUpperCase(),
        tone: toneOf(event.outcome),
        subject: subjectOf(event),
        detail: `${durationText(event.durationMs)}  ${event.scopes.join(" ")}  ${event.keyId}`,
      };
    case "key.revoked":
    case "key.restored": {
      const [[name, value] = ["", ""]] = Object.entries(event.selector);
      const why = event.reason === undefined ? "" : `: ${event.reason}`;
      return {
        word: event.type === "key.revoked" ? "REVOKED" : "restored",
        tone: "warn",
        subject: `${name} ${String(value)}`,
        detail: `by ${event.by}${why}`,
      };
    }
    case "request.allowed":
    case "request.completed":
    case "request.refused":
      return {
        word: event.type === "request.refused" ? "REFUSED" : "request",
        tone: event.type === "request.refused" ? "bad" : "dim",
        subject: [event.service, event.method, event.route].filter(Boolean).join(" "),
        detail: "code" in event ? event.code : event.keyId,
      };
    case "audit.opened":
      return { word: "opened", tone: "dim", subject: `writer ${event.writer}`, detail: "" };
    case "audit.rotated":
      return { word: "rotated", tone: "dim", subject: `from ${event.from}`, detail: "" };
    case "audit.repaired":
      return {
        word: "repaired",
        tone: "warn",
        subject: `torn line at byte ${event.atByte}`,
        detail: "",
      };
    case "approval.requested":
    case "approval.granted":
    case "approval.refused":
      return {
        word: event.type.slice("approval.".length),
        tone: "warn",
        subject: subjectOf(event),
        detail: event.scopes.join(" "),
      };
  }
}

function subjectOf(event: { agent: string; tool?: { name: string } | undefined }): string {
  return [event.agent, event.tool?.name].filter(Boolean).join(" ");
}

function lifeOf(event: { time: string; expiresAt: string }): string {
  return `${Math.round((Date.parse(event.expiresAt) - Date.parse(event.time)) / 1000)}s`;
}

function toneOf(outcome: string): Tone {
  if (outcome === "ok") return "good";
  return outcome === "error" || outcome === "expired" ? "bad" : "warn";
}

/** Milliseconds for people: `0.4ms`, `12ms`, `3.1s`. */
export function durationText(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)}ms`;
  return ms < 1_000 ? `${Math.round(ms)}ms` : `${(ms / 1000).toFixed(1)}s`;
}
