import type { AuditEvent, AuditEventOf, AuditEventType } from "@agent-keys/core";
import { AIMessage } from "@langchain/core/messages";
import { type FakeBuiltModel, fakeModel } from "@langchain/core/testing";

/** A tool call as a model makes it. */
export function toolCall(
  name: string,
  args: Record<string, unknown>,
  id = "call_1",
): { name: string; args: Record<string, unknown>; id: string; type: "tool_call" } {
  return { name, args, id, type: "tool_call" };
}

/** A model that calls these tools, one turn after the other, and then says that it is done. */
export function modelCalling(...turns: ReturnType<typeof toolCall>[][]): FakeBuiltModel {
  const model = fakeModel();
  for (const turn of turns) model.respondWithTools(turn);
  return model.respond(new AIMessage("done"));
}

/** What the model was told by the tools, in its last turn. */
export function toldTo(model: FakeBuiltModel): readonly { content: unknown; status: unknown }[] {
  return (model.calls.at(-1)?.messages ?? [])
    .filter((message) => message.getType() === "tool")
    .map((message) => ({
      content: message.content,
      status: (message as { status?: unknown }).status,
    }));
}

/** The events of one type, in order. */
export function only<T extends AuditEventType>(
  events: readonly AuditEvent[],
  type: T,
): readonly AuditEventOf<T>[] {
  return events.filter((event): event is AuditEventOf<T> => event.type === type);
}

/** The story of the keys: what happened, without the chain. */
export function story(events: readonly AuditEvent[]): readonly string[] {
  return events
    .filter((event) => event.type.startsWith("key."))
    .map((event) =>
      event.type === "key.closed" ? `closed ${event.outcome}` : event.type.slice(4),
    );
}

/** Everything that comes out of a stream. */
export async function collect<T>(steps: AsyncIterable<T>): Promise<readonly T[]> {
  const values: T[] = [];
  for await (const value of steps) values.push(value);
  return values;
}
