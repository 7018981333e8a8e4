/** Mutants that no test can tell from what was written, by why. Each was looked at by itself. */
const groups: readonly { readonly reason: string; readonly names: readonly string[] }[] = [
  {
    reason: "An index that the types cannot know to be in range: it always is.",
    names: [
      "policy empty: ?. → .",
      "counters counter: counters[index] ?? index → (counters[index])",
      "counters countersOf: ?. → .",
      "counters countersOf: grants[index]?.uses ?? Infinity → (grants[index]?.uses)",
      "delegation parentRef: ?. → .",
      "delegation reindex: ref.grants[index] ?? 0 → (ref.grants[index])",
      "delegation reindex: 0 → 1",
      "delegation reindex: ref.uses[index] ?? null → (ref.uses[index])",
      'token/gate header: parts[0] ?? "" → (parts[0])',
      'token/gate header: "" → "mutant"',
      "token/claims counterOf: ?. → .",
      "token/verified-key charges: ?. → .",
      "token/verified-key charges: ref.grants[index] ?? 0 → (ref.grants[index])",
      "token/verified-key charges: 0 → 1",
      "wrap/check-parameters checkArgs: ?. → .",
      "wrap/check-parameters missing: parameters ?? [] → (parameters)",
      "constraint fromValueSet: set.values.length === 1 && first !== undefined → (set.values.length === 1)",
    ],
  },
  {
    reason: "In JSON, `undefined` within a list is `null` already.",
    names: [
      "delegation parentRef: held[index]?.uses ?? null → (held[index]?.uses)",
      "store/revocation-index entryOf: iss ?? null → (iss)",
    ],
  },
  {
    reason: "A shortcut: the long way comes to the same.",
    names: [
      "counters countersOf: grants.length < 2 → false",
      "counters countersOf: 2 → 1",
      "counters countersOf: return counters; → ;",
      "counters countersOf: return counters; → return undefined;",
      "grant names: new Set([...constrainedNames(a), ...constrainedNames(b)]) → [...constrainedNames(a), ...constrainedNames(b)]",
      "wrap/check-parameters rulesOf: new Set([...scopes].flatMap((scope) => [...rulesFor(issuer.policy, agent, scope)])) → [...scopes].flatMap((scope) => [...rulesFor(issuer.policy, agent, scope)])",
      "constraint allowsOne: set.maxLength === Infinity || hasAtMost(value, set.maxLength) → (hasAtMost(value, set.maxLength))",
      "store/memory-store settle: !settled && uses !== 0 → (!settled)",
      "store/memory-store settle: 0 → 1",
      "store/revocation-index stops: byId.size + byName.size + byScope.size === 0 → false",
      "store/revocation-index stops: return false; → ;",
      "token/verify checkAncestors: kid !== header.kid && (await findKey({ ...header, kid })) === undefined → ((await findKey({ ...header, kid })) === undefined)",
      "token/verify verifySignature: key instanceof KeyObject → false",
      "token/verify verifySignature: return await verifyWithNode(token, key); → ;",
    ],
  },
  {
    reason: "Comparing with `undefined`, or with what is no number, is false just so.",
    names: [
      "counters countersOf: limit.uses === undefined → false",
      "counters countersOf: continue; → ;",
      "store/memory-store full: spent.get(charge.id) ?? 0 → (spent.get(charge.id))",
      'constraint isSubset: inner.kind === "range" && outer.kind === "range" → (outer.kind === "range")',
      'constraint isSubset: inner.kind === "range" && outer.kind === "range" → (inner.kind === "range")',
      'constraint isSubset: inner.kind === "range" && outer.kind === "range" → ((inner.kind === "range") || (outer.kind === "range"))',
      'constraint intersectMembers: a.kind === "range" && b.kind === "range" → (b.kind === "range")',
      'constraint intersectMembers: a.kind === "range" && b.kind === "range" → (a.kind === "range")',
      'constraint intersectMembers: a.kind === "range" && b.kind === "range" → ((a.kind === "range") || (b.kind === "range"))',
    ],
  },
  {
    reason: "Nothing returned counts as no, where a caller asks for yes or no.",
    names: ["constraint isSubset: return false; → ; #2"],
  },
  {
    reason:
      "It cannot be otherwise where it is asked: uses are at least 1, names asked for are named, `only` closes the rest.",
    names: [
      "counters countersOf: 0 → 1",
      "request failedNames: grant.only === true → true",
      "request failedNames: allowed !== FREE && !allowsValue(allowed, value) → (!allowsValue(allowed, value))",
      "grant meet: both !== FREE && !(only && isAbsent(both)) → (!(only && isAbsent(both)))",
      'wrap/check-parameters mayBeForOthers: those.length === 1 && rule.scope.endsWith("*") && allowed !== FREE → (those.length === 1 && rule.scope.endsWith("*"))',
      "store/revocation-index stops: user !== undefined && either({ user }) → (either({ user }))",
      "store/revocation-index stops: txn !== undefined && either({ txn }) → (either({ txn }))",
    ],
  },
  {
    reason: "Refused by another check of the same value as well.",
    names: [
      "scope readable: /^[A-Za-z0-9 _./:-]+$/ → /^[A-Za-z0-9 _./:-]*$/",
      "grant-schema textShape: z.int().nonnegative() → z.int()",
      "grant-schema plainRecord: true → false",
      "grant-schema plainRecord: abort: true, → (nothing)",
      'token/gate isHeader: typeof header !== "object" || header === null → (header === null)',
      "token/claims members: z.array(z.int().nonnegative()).max(GRANT_LIMITS.grants) → z.array(z.int().nonnegative())",
      "token/claims members: z.array(z.int().positive().nullable()).max(GRANT_LIMITS.grants) → z.array(z.int().positive().nullable())",
      "token/claims hasCounters: < → <=",
      "token/verify verifySignature: key === undefined → false",
      'token/verify verifySignature: throw tokenInvalid("kid is not one of the issuer\'s"); → ;',
      "token/verify verifySignature: algorithms: [algorithm] → (nothing)",
      'token/verify verifySignature: throw new AgentKeyError("token_invalid", { cause }); → ;',
      "token/verify good: error === null → true",
      'token/verify parseClaims: throw tokenInvalid("the claims are not JSON"); → ;',
      'token/verify readClock: throw new AgentKeyError("token_invalid", { cause }); → ;',
    ],
  },
  {
    reason: "Only what an error or a debugger shows.",
    names: [
      'grant FREE: "free" → ""',
      "delegation scopes: grant.scope → undefined",
      "delegation scopes: grant.scope → undefined #2",
      'token/verified-key scopes: decision.code === "insufficient_scope" → true',
    ],
  },
  {
    reason:
      "The same text: a dot is no letter of base64url, and nothing is cut off where nothing stands.",
    names: [
      "scope snakeCase: /^[_-]+/ → /^[_-]*/",
      "token/verify signature: 1 → 0",
      "token/verify verifyWithNode: 1 → 0",
    ],
  },
  {
    reason: "A second or so of five minutes that are kept in reserve.",
    names: [
      "store/revocation-index LONGEST_LIFE_MS: + → -",
      "store/revocation-index LONGEST_LIFE_MS: 1000 → 1001",
      "store/revocation-index LONGEST_LIFE_MS: 1000 → 999",
    ],
  },
];

/** A mutant by name, and why it decides nothing else. */
export const equivalent: ReadonlyMap<string, string> = new Map(
  groups.flatMap(({ reason, names }) => names.map((name) => [name, reason] as const)),
);
