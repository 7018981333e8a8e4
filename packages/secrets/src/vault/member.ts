/** What an answer has under a name, if it has. */
export function member(object: unknown, name: string): unknown {
  if (typeof object !== "object" || object === null || !Object.hasOwn(object, name))
    return undefined;
  return Reflect.get(object, name);
}

/** The number there; 0 where there is none. */
export function numberIn(object: unknown, name: string): number {
  const value = member(object, name);
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}
