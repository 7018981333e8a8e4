import { AgentKeyError } from "../errors.ts";

/**
 * What a developer may be told of an error that one of their functions threw: its class and where it
 * was thrown. Its message may quote an argument, and callbacks and traces hand a refusal's cause on.
 */
export function safeCause(what: string, thrown: unknown): Error {
  if (thrown instanceof AgentKeyError) return thrown;
  const safe = new Error(`${what} threw ${classOf(thrown)}`);
  safe.stack = [`Error: ${safe.message}`, ...framesOf(thrown)].join("\n");
  return safe;
}

function classOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return "what is no Error";
  const { constructor } = thrown;
  const name: unknown = typeof constructor === "function" ? constructor.name : undefined;
  return typeof name === "string" && /^\w{1,60}$/.test(name) ? name : "an Error";
}

const FRAME = /^ {4}at [^\n]{1,1000}$/;

/** The lines right after the message. One that has changed since then is not found: no frames then. */
function framesOf(thrown: unknown): readonly string[] {
  try {
    if (!(thrown instanceof Error) || typeof thrown.stack !== "string") return [];
    const { stack, message } = thrown;
    const at = stack.indexOf(message);
    if (at === -1) return [];
    const [, ...lines] = stack.slice(at + message.length).split("\n");
    const end = lines.findIndex((line) => !FRAME.test(line));
    return end === -1 ? lines : lines.slice(0, end);
  } catch {
    return [];
  }
}
