import { UNSEEN } from "./reference-error.ts";
import type { Reference } from "./scheme.ts";

/** The one way in which a reference is written: only what must be is escaped. */
export function textOf({ scheme, isRooted, segments, field, parameters }: Reference): string {
  const path = segments.map((segment) => escaped(segment, "/#?")).join("/");
  const member = field.map((name) => escaped(name, ".#?")).join(".");
  const given = [...parameters].map(([name, value]) => `${name}=${escaped(value, "&#?")}`);
  return [
    `${scheme}:${isRooted ? "/" : ""}${path}`,
    field.length === 0 ? "" : `#${member}`,
    given.length === 0 ? "" : `?${given.join("&")}`,
  ].join("");
}

function escaped(text: string, reserved: string): string {
  const last = Array.from(text).length - 1;
  return Array.from(text)
    .map((char, index) => {
      const isEdge = char === " " && (index === 0 || index === last);
      if (!isEdge && char !== "%" && !reserved.includes(char) && !UNSEEN.test(char)) return char;
      // encodeURIComponent leaves a dot, which is reserved between the names of a field.
      return char === "." ? "%2E" : encodeURIComponent(char);
    })
    .join("");
}
