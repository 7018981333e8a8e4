/** A file whose every decision must be held by a unit test. */
export interface Target {
  /** Below `packages/core/src`, without the ending. */
  readonly source: string;
  /** The test files that know of it, the likeliest to find a mutant first. Default: its own. */
  readonly tests?: readonly string[];
  /** What in it only words a message. */
  readonly wording?: readonly string[];
}

/** The broker's sources, from there. */
const BROKER = "../../broker/src";
const AUTHORIZE: readonly string[] = [
  `${BROKER}/decide/authorize-body`,
  `${BROKER}/decide/authorize`,
  `${BROKER}/decide/two-readings`,
  `${BROKER}/decide/match-is-send`,
];

const AUDIT = "../../audit/src";

/** The code that decides whether a key is given, and what it is good for. */
export const targets: readonly Target[] = [
  { source: "scope" },
  { source: "duration" },
  { source: "constraint", tests: ["constraint", "grant", "request"] },
  { source: "grant", tests: ["grant", "request", "policy"] },
  {
    source: "grant-schema",
    tests: ["grant-schema", "policy", "rate"],
    wording: [
      "describeIssues",
      "explain",
      "isClose",
      "member",
      "notAGrant",
      "text",
      "shown",
      "more",
      "at",
      "closest",
      "ISSUES_SHOWN",
      "ISSUE_LENGTH",
      "OTHER_KIND",
    ],
  },
  { source: "request", tests: ["request", "wrap/bind-arguments"] },
  { source: "rate", tests: ["rate", "enforce/under-policy"] },
  { source: "policy", tests: ["policy", "mint", "enforce/under-policy"] },
  { source: "counters" },
  { source: "delegation", tests: ["delegation"] },
  { source: "revocation" },
  { source: "store/memory-store", tests: ["store/memory-store"] },
  { source: "store/memory-use-counter", tests: ["store/memory-store"] },
  { source: "store/sliding-log", tests: ["store/sliding-log", "store/memory-store"] },
  { source: "store/revocation-index", tests: ["store/memory-store", "store/revocation-index"] },
  { source: "token/gate", tests: ["token/gate", "token/verify"] },
  {
    source: "token/claims",
    tests: ["token/claims", "token/verified-key", "delegation", "mint", "token/gate"],
  },
  {
    source: "token/verify",
    tests: ["token/verify", "delegation", "token/verify-key"],
    wording: ["where"],
  },
  {
    source: "token/verified-key",
    tests: ["token/verified-key", "delegation", "mint", "rate"],
    wording: ["needed"],
  },
  { source: "token/uses", tests: ["token/uses", "token/verified-key", "delegation"] },
  {
    source: "token/verify-key",
    tests: ["token/verify-key", "known-options", "token/bounded-fetch"],
  },
  { source: "wrap/scope-rule", tests: ["wrap/scope-rule"] },
  {
    source: "wrap/bind-arguments",
    tests: ["wrap/bind-arguments", "wrap/guard-call"],
    wording: ["named"],
  },
  { source: "wrap/check-parameters", tests: ["wrap/check-parameters"] },
  { source: "enforce/under-policy" },
  { source: "broker/notice" },
  { source: `${BROKER}/decide/authorize`, tests: AUTHORIZE },
  {
    source: `${BROKER}/decide/named-values`,
    tests: [`${BROKER}/decide/named-values`, ...AUTHORIZE],
    wording: ["wrong"],
  },
  {
    source: `${BROKER}/service/fold-name`,
    tests: [`${BROKER}/service/fold-name`, ...AUTHORIZE],
  },
  { source: `${BROKER}/decide/body`, tests: [...AUTHORIZE, `${BROKER}/decide/named-values`] },
  { source: `${BROKER}/decide/forward-headers` },
  { source: `${BROKER}/decide/pairs`, tests: [...AUTHORIZE, `${BROKER}/decide/presented-key`] },
  { source: `${BROKER}/decide/json-body` },
  { source: `${BROKER}/decide/target` },
  { source: `${BROKER}/decide/presented-key` },
  { source: `${BROKER}/engine/rewrite-links` },
  { source: `${BROKER}/engine/secrets` },
  {
    source: `${BROKER}/service/route-pattern`,
    tests: [`${BROKER}/service/route-pattern`, `${BROKER}/service/define-service`],
    wording: ["wrong"],
  },
  {
    source: `${BROKER}/service/route-table`,
    tests: [
      `${BROKER}/service/route-table`,
      `${BROKER}/service/define-service`,
      `${BROKER}/decide/authorize`,
      `${BROKER}/decide/two-readings`,
    ],
  },
  { source: `${BROKER}/engine/standing` },
  { source: `${AUDIT}/merkle/hashing` },
  { source: `${AUDIT}/merkle/compact-range`, tests: [`${AUDIT}/merkle/compact-range`] },
  { source: `${AUDIT}/merkle/proofs`, tests: [`${AUDIT}/merkle/proofs`] },
  { source: `${AUDIT}/merkle/verify-proofs`, tests: [`${AUDIT}/merkle/proofs`] },
  { source: `${AUDIT}/note/note` },
  { source: `${AUDIT}/note/checkpoint`, tests: [`${AUDIT}/note/checkpoint`, `${AUDIT}/note/note`] },
  { source: `${AUDIT}/proof`, tests: [`${AUDIT}/proof-text`] },
];

/** Where they are. */
export const root: URL = new URL("../../../packages/core/src/", import.meta.url);
