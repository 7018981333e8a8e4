/**
 * Refuses a member that is not an option: misspelt, it would be ignored, and with it a limit.
 *
 * @param prefix - What stands before the option's name in the error: `verifyKey: `.
 * @throws TypeError naming the member, or when `options` is not an object.
 */
export function requireKnown(prefix: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError(`${prefix}options: must be an object`);
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw new TypeError(`${prefix}${unknown}: not an option; there are ${known.join(", ")}`);
}

/** @throws TypeError when it is neither absent nor `{ scope, values? }`. */
export function requireRequest(prefix: string, request: unknown): void {
  if (request === undefined) return;
  if (typeof request !== "object" || request === null) {
    throw new TypeError(`${prefix}request: must be { scope, values }`);
  }
  requireKnown(`${prefix}request.`, request, ["scope", "values"]);
  const { scope, values } = request as { readonly scope?: unknown; readonly values?: unknown };
  if (typeof scope !== "string") throw new TypeError(`${prefix}request.scope: must be a string`);
  if (values !== undefined && (typeof values !== "object" || values === null)) {
    throw new TypeError(`${prefix}request.values: must be an object`);
  }
}

/** @throws TypeError when it is neither absent nor a boolean. */
export function requireBoolean(option: string, value: unknown): void {
  if (value === undefined || typeof value === "boolean") return;
  throw new TypeError(`${option}: must be true or false`);
}
