/**
 * For testing a secret source of your own.
 *
 * @module
 */
export {
  managedSourceContract,
  type ManagedSourceContract,
  type ManagedSourceUnderTest,
} from "./managed-source-contract.ts";
export {
  secretSourceContract,
  type SecretSourceContract,
  type SourceUnderTest,
} from "./secret-source-contract.ts";
