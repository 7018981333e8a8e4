/** What a block of lines is taken or left by: as a filter names it. */
export type FacetKind = "agent" | "user" | "tool" | "scope" | "type" | "outcome";

/** What a filter wants: of each kind that it names, one of some values. */
export type Wanted = Readonly<
  Partial<Record<FacetKind, readonly string[] | ((value: string) => boolean)>>
>;

/** An event's facets, each as kind, space and value. A revocation is about what it selects. */
export function facetsOf(event: Readonly<Record<string, unknown>>): readonly string[] {
  const about = { ...event, ...objectOf(event["selector"]) };
  const tool = objectOf(event["tool"])["name"];
  const { agent, user, scope, scopes, type, outcome } = about as Record<string, unknown>;
  const listed = Array.isArray(scopes) ? (scopes as unknown[]) : [];
  const named: readonly (readonly [FacetKind, unknown])[] = [
    ["agent", agent],
    ["user", user],
    ["tool", tool],
    ["type", type],
    ["outcome", outcome],
    ["scope", scope],
    ...listed.map((one) => ["scope", one] as const),
  ];
  return named.flatMap(([kind, value]) => (typeof value === "string" ? [`${kind} ${value}`] : []));
}

/** An object's members, and none of what is no object. */
export function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
