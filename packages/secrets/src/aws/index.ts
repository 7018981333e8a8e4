/**
 * AWS Secrets Manager and Systems Manager Parameter Store.
 *
 * @module
 */
export { type AwsPlace } from "./client.ts";
export { aws, type AwsSecret } from "./secrets-manager.ts";
export { ssm, type SsmParameter } from "./parameter-store.ts";
