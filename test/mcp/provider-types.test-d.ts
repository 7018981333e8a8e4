import type { OAuthClientProvider as AiSdkProvider } from "@ai-sdk/mcp";
import type { AgentKeysAuthProvider } from "@agent-keys/core/mcp";
import type { OAuthClientProvider as SdkProvider } from "@modelcontextprotocol/sdk/client/auth.js";

declare const provider: AgentKeysAuthProvider;

// Core writes the interface out instead of importing it: this is where a drift would show.
export const forTheSdk: SdkProvider = provider;
export const forTheAiSdk: AiSdkProvider = provider;

// @ts-expect-error the running key is no refresh token
export const refresh: { refresh_token: string } = provider.tokens();
