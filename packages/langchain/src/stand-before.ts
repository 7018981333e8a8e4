/** A method of a tool. */
export type Method = (...args: unknown[]) => unknown;

/** Where a guard keeps whose method it stands before; registered, as bundlers duplicate modules. */
const OWNER: unique symbol = Symbol.for("agent-keys.langchain.owner.v1") as never;

/** Marks a method as standing before the one of `owner`. */
export function standBefore<T extends Method>(owner: object, method: T): T {
  return Object.defineProperty(method, OWNER, { value: owner });
}

/** Whose method it stands before; `undefined` for a tool's own. */
export function ownerOf(method: Method): object | undefined {
  return (method as { readonly [OWNER]?: object })[OWNER];
}
