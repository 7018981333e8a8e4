import type { Parameter, ParameterLocation, ParameterType } from "../service/service.ts";
import { fold, readings } from "../service/fold-name.ts";
import { fromText } from "../service/route-table.ts";
import { type Refused, refused } from "./refused.ts";

/** One named value of a request, and where it was found. */
export interface NamedValue {
  readonly name: string;
  readonly location: ParameterLocation;
  /** Text, but in a JSON body. */
  readonly value: unknown;
}

/** The values that constraints are held against, by name. */
export type Values = Readonly<Record<string, unknown>>;

/**
 * Puts a request's values under their names. A name that is declared or constrained has to stand where
 * the route declares it, once, and in no other spelling that some server takes for the same name.
 *
 * @param constrained - The names that some grant constrains.
 */
export function nameValues(
  found: readonly NamedValue[],
  declared: ReadonlyMap<string, Parameter>,
  constrained: ReadonlySet<string>,
): { readonly values: Values } | Refused {
  const wrong = (name: string, how: string): Refused =>
    refused("request_invalid", "parameter", `${JSON.stringify(name.slice(0, 100))} ${how}`);
  const known = foldedNames(declared);
  const elsewhere = [...constrained].filter((name) => !declared.has(name)).map(fold);
  let watched: ReadonlySet<string> | undefined;
  const values: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const { name, location, value } of found) {
    const parameter = declared.get(name);
    if (parameter === undefined) {
      const folded = readings(name);
      const names = (watched ??= new Set([...constrained].map(fold)));
      if (folded.some((one) => OVERRIDES.has(one))) return wrong(name, "asks for another method");
      if (folded.some((one) => known.has(one) || names.has(one))) {
        return wrong(name, "is not declared so, and may be taken for a name that is");
      }
    }
    // Under `optional` the constraint would hold of nothing, and the value pass.
    if (parameter !== undefined && elsewhere.length > 0 && elsewhere.includes(fold(name))) {
      return wrong(name, "is constrained in another spelling");
    }
    if (parameter !== undefined && parameter.location !== location) {
      return wrong(name, `stands in the ${location} and belongs in the ${parameter.location}`);
    }
    if (parameter !== undefined && constrained.has(name) && !hasShape(parameter.type, value)) {
      const detail = `${name} is a list or an object, and the route takes one value`;
      return refused("constraint_failed", "constraint", detail);
    }
    const typed = parameter === undefined ? value : asTyped(parameter.type, value);
    if (!(name in values)) {
      values[name] = typed;
    } else if (parameter !== undefined && !name.endsWith("[]")) {
      return wrong(name, "occurs twice");
    } else {
      values[name] = [values[name], typed].flat();
    }
  }
  return { values };
}

/** What frameworks take a method from that was not decided on, as {@link readings} has them. */
const OVERRIDES: ReadonlySet<string> = new Set(["_method", "xhttpmethodoverride"]);

const foldedByRoute = new WeakMap<ReadonlyMap<string, Parameter>, ReadonlySet<string>>();

/** Kept by route: folding the names of a big one takes longer than the rest of the decision. */
function foldedNames(declared: ReadonlyMap<string, Parameter>): ReadonlySet<string> {
  const known = foldedByRoute.get(declared);
  if (known !== undefined) return known;
  const names = new Set([...declared.keys()].map(fold));
  foldedByRoute.set(declared, names);
  return names;
}

/**
 * Whether a value of a JSON body is one value where the route takes one: what a service makes of a list
 * there, nobody has decided on.
 */
function hasShape(type: ParameterType, value: unknown): boolean {
  if (type === "json" || typeof value !== "object" || value === null) return true;
  return type.endsWith("[]") && Array.isArray(value);
}

/** A text as what the route says it stands for. In another form it stays text, which no number equals. */
function asTyped(type: ParameterType, value: unknown): unknown {
  if (typeof value !== "string") return value;
  switch (type) {
    case "string":
    case "string[]":
    case "path":
    case "json":
      return value;
    case "int[]":
      return fromText("int", value) ?? value;
    case "int":
    case "number":
    case "boolean":
      return fromText(type, value) ?? value;
  }
}
