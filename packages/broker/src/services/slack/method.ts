import type { RouteDefinition } from "../../service/route-pattern.ts";
import type { ParameterType } from "../../service/service.ts";

/**
 * A method that changes something: a POST. Slack takes arguments as a form and as JSON alike.
 *
 * @param names - The arguments, `"channel"` or `"reply_broadcast{boolean}"`.
 */
export function writing(method: string, ...names: readonly string[]): RouteDefinition {
  const body = typesOf(names);
  return { route: `POST /${method}`, json: body, form: body };
}

/** A method that only reads: Slack's own clients POST it, others GET it with the arguments as query. */
export function reading(method: string, ...names: readonly string[]): readonly RouteDefinition[] {
  return [{ route: `GET /${method}`, query: typesOf(names) }, writing(method, ...names)];
}

function typesOf(names: readonly string[]): Readonly<Record<string, ParameterType>> {
  return Object.fromEntries(
    names.map((text) => {
      const [name = "", type = "string"] = text.split(/[{}]/, 2);
      return [name, type as ParameterType];
    }),
  );
}
