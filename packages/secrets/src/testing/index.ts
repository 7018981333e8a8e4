/**
 * For testing a secret source of your own.
 *
 * @module
 */
export {
  secretSourceContract,
  type SecretSourceContract,
  type SourceUnderTest,
} from "./secret-source-contract.ts";
