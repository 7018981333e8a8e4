import { unavailable } from "../unavailable.ts";

/** Ids of 1Password. Nothing else of an answer becomes part of a path. */
export const ID: RegExp = /^[a-z0-9]{26}$/;

/** The ids of those among the listed that have this name. Filters may fold case; names here do not. */
export function idsOf(list: unknown, kind: "name" | "title", text: string): readonly string[] {
  return listed(list)
    .filter((one) => one[kind] === text)
    .map(({ id }) => id)
    .filter((id) => typeof id === "string" && ID.test(id)) as readonly string[];
}

/** The value of one field, which is named by its label or its id. */
export function fieldValue(
  item: unknown,
  { field, section }: { readonly field: string; readonly section?: string | undefined },
  name: string,
): string {
  const { fields, sections } = isRecord(item) ? item : {};
  const wanted = listed(sections).filter(
    (one) => one["label"] === section || one["id"] === section,
  );
  const isInSection = (one: Entry): boolean => {
    if (section === undefined) return true;
    const own = isRecord(one["section"]) ? one["section"]["id"] : undefined;
    return own !== undefined && wanted.some(({ id }) => id === own);
  };
  const found = listed(fields).filter(
    (one) => (one["label"] === field || one["id"] === field) && isInSection(one),
  );
  if (found.length > 1)
    throw unavailable(name, "there are several of this field; name its section");
  const [{ value } = {}] = found;
  if (typeof value !== "string") throw unavailable(name, "the item has no such field");
  if (value.trim() === "") throw unavailable(name, "the field is empty");
  return value;
}

type Entry = Readonly<Record<string, unknown>>;

const listed = (list: unknown): readonly Entry[] =>
  Array.isArray(list) ? list.filter((one) => isRecord(one)) : [];

function isRecord(value: unknown): value is Entry {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
