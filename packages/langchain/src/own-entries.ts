import { prototypes } from "./copy-with.ts";
import { nameOfClass } from "./guarded-runnable.ts";
import { type Method, ownerOf, standBefore } from "./stand-before.ts";

/** What is LangChain's own in a tool: its `StructuredTool.prototype`, and what that inherits. */
interface LangChainsOwn {
  readonly call: Method;
  readonly structured: object;
  /** Every name by which something of a tool may run. */
  readonly entries: ReadonlySet<string>;
}

/** These say something of a tool and run nothing. */
const DESCRIBING = ["constructor", "getName", "getGraph", "toJSON", "toJSONNotImplemented"];

/**
 * Found by its shape, because LangChain is not loaded here and may be there twice: the prototype farthest
 * from the tool that has both `invoke` and `call` and no body, above a `Runnable`.
 *
 * @throws TypeError naming a tool that is not made of LangChain's classes.
 */
export function langChainsOwn(tool: object): LangChainsOwn {
  const chain = prototypes(tool);
  const at = chain.findLastIndex((one) => hasOwn(one, ["invoke", "call"]));
  const structured = chain[at];
  const above = chain.slice(at + 1);
  const call = structured === undefined ? undefined : valueOf(structured, "call");
  const genuine =
    structured !== undefined &&
    hasOwn(structured, ["lc_namespace"]) &&
    !Object.hasOwn(structured, "_call") &&
    above.some((one) => hasOwn(one, ["batch", "stream", "pipe"]));
  if (!genuine || typeof call !== "function") {
    throw new TypeError(`${nameOf(tool)}: has _call, but is no StructuredTool of LangChain`);
  }
  const names = [structured, ...above].flatMap((one) => Object.getOwnPropertyNames(one));
  const methods = names.filter((name) => typeof Reflect.get(structured, name) === "function");
  const entries = new Set(methods.filter((name) => !DESCRIBING.includes(name)));
  return { call: call as Method, structured, entries };
}

/**
 * LangChain validates and runs in its own `invoke` and `call`. A tool's own method in their place would
 * run before the guard, or without it.
 *
 * @throws TypeError naming the tool and the method.
 */
export function requireOwnEntries(tool: object, { structured, entries }: LangChainsOwn): void {
  const chain = prototypes(tool);
  for (const holder of [tool, ...chain.slice(0, chain.indexOf(structured))]) {
    const found = Object.getOwnPropertyNames(holder).find(
      (name) => entries.has(name) && !isLangChainsCall(holder, name, tool, structured),
    );
    if (found === undefined) continue;
    throw new TypeError(
      `${nameOf(tool)}: has its own ${found}, which would run unguarded; put the work into _call`,
    );
  }
}

/** The three classes of LangChain that extend StructuredTool have a `call` of their own. */
function isLangChainsCall(holder: object, name: string, tool: object, structured: object): boolean {
  if (name !== "call") return false;
  if (holder === tool) return isOurs(valueOf(holder, name));
  return isDynamic(holder) || looksLikeTool(holder, structured);
}

function isOurs(method: unknown): boolean {
  return typeof method === "function" && ownerOf(method as Method) !== undefined;
}

const DYNAMIC: readonly unknown[] = ["DynamicTool", "DynamicStructuredTool"];

function isDynamic(prototype: object): boolean {
  const made = valueOf(prototype, "constructor");
  const named = typeof made === "function" && Object.hasOwn(made, "lc_name");
  const onlyThese = Object.getOwnPropertyNames(prototype).every((name) =>
    ["constructor", "call", "_call"].includes(name),
  );
  return named && onlyThese && DYNAMIC.includes(nameOfClass(prototype));
}

/** `Tool.prototype` has nothing else, but another class may look like that too: see {@link textCall}. */
function looksLikeTool(prototype: object, structured: object): boolean {
  return (
    Object.getPrototypeOf(prototype) === structured &&
    Object.getOwnPropertyNames(prototype).toSorted().join() === "call,constructor"
  );
}

/**
 * For what looks like LangChain's `Tool`, what its `call` does, done here: should the class be another
 * that looks the same, its own `call` is not run.
 */
export function textCall(
  tool: object,
  { structured, call }: LangChainsOwn,
): Readonly<Record<string, unknown>> {
  const nearest = prototypes(tool).find((one) => Object.hasOwn(one, "call"));
  if (nearest === undefined || !looksLikeTool(nearest, structured)) return {};
  const asText = standBefore(tool, function (this: unknown, given: unknown, ...rest: unknown[]) {
    const input =
      typeof given === "string" || (given ?? undefined) === undefined ? { input: given } : given;
    return Reflect.apply(call, this, [input, ...rest]);
  });
  return { call: asText };
}

function nameOf(tool: object): string {
  const { name } = tool as { readonly name?: unknown };
  return `tool ${JSON.stringify(name)}`;
}

function hasOwn(object: object, names: readonly string[]): boolean {
  return names.every((name) => Object.hasOwn(object, name));
}

function valueOf(object: object, name: string): unknown {
  return Reflect.getOwnPropertyDescriptor(object, name)?.value as unknown;
}
