import { wrapTools as wrapAiSdk } from "@agent-keys/ai-sdk";
import { AgentKeyError, type AgentKeys, type GrantInput } from "@agent-keys/core";
import { wrapTools as wrapLangchain } from "@agent-keys/langchain";
import { tool as langchainTool } from "@langchain/core/tools";
import { tool as aiTool } from "ai";
import * as z from "zod";

/** A tool of one of the frameworks under keys, that counts how often its body ran. */
export interface WrappedTool {
  readonly framework: string;
  /** `"ran"`, or the code of what refused. Other errors are thrown. */
  readonly call: (input: object) => Promise<string>;
  /** How often the body ran so far. */
  readonly bodies: () => number;
}

/** What the tools may do: a scope as in the wrap options. */
export type ScopeOption = GrantInput | ((input: object) => GrantInput);

/** The same tool in both frameworks. It takes any object. */
export function wrappedTools(keys: AgentKeys, scope: ScopeOption, name = "act"): WrappedTool[] {
  return [aiSdkTool(keys, scope, name), langchainsTool(keys, scope, name)];
}

const schema = z.looseObject({});

function aiSdkTool(keys: AgentKeys, scope: ScopeOption, name: string): WrappedTool {
  let bodies = 0;
  const execute = (): string => {
    bodies += 1;
    return "ran";
  };
  const tools = own(name, aiTool({ inputSchema: schema, execute }));
  const wrapped = wrapAiSdk(tools, { keys, scopes: own(name, scope) });
  const call = (input: object): unknown =>
    wrapped[name]?.execute?.(input as never, { toolCallId: "call-1", messages: [], context: {} });
  return { framework: "ai-sdk", bodies: () => bodies, call: (input) => tell(() => call(input)) };
}

function langchainsTool(keys: AgentKeys, scope: ScopeOption, name: string): WrappedTool {
  let bodies = 0;
  const act = (): string => {
    bodies += 1;
    return "ran";
  };
  const tools = [langchainTool(act, { name, schema })];
  const [wrapped] = wrapLangchain(tools, { keys, scopes: own(name, scope) });
  const call = (input: object): unknown => wrapped?.invoke(input as Record<string, unknown>);
  return { framework: "langchain", bodies: () => bodies, call: (input) => tell(() => call(input)) };
}

/** A record with one own member, also when it is called `__proto__`. */
function own<T>(name: string, value: T): Record<string, T> {
  return Object.fromEntries([[name, value]]);
}

async function tell(call: () => unknown): Promise<string> {
  try {
    return String(await call());
  } catch (error) {
    if (error instanceof AgentKeyError) return error.code;
    throw error;
  }
}
