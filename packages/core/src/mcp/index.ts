/**
 * Agent keys as the bearer of an MCP client's requests.
 *
 * @module
 */
export {
  type AgentKeysAuthProvider,
  agentKeysAuthProvider,
  type AgentKeysAuthProviderOptions,
} from "./auth-provider.ts";
