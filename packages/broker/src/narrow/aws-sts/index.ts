/**
 * AWS STS: credentials of a role with a session policy, no wider than a grant.
 *
 * @module
 */
export {
  assumeRole,
  type AssumeRole,
  type AssumeRoleOptions,
  type AssumeRoleRequest,
} from "./assume-role.ts";
export type { PolicyPart, Statement } from "./policy-document.ts";
export { s3Statements } from "./s3-statements.ts";
