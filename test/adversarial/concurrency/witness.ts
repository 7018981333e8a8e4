import { type AgentKey, currentKey } from "@agent-keys/core";

/** What a body, at each of its steps, says of the key it sees. */
export interface Witness {
  readonly problems: readonly string[];
  /** How often somebody looked. */
  readonly looks: () => number;
  /** Looks for the first time; what is returned looks again. */
  readonly see: (callId: string) => Sight;
  /** The same in a tool that has no key. */
  readonly seeNothing: (callId: string) => () => void;
}

export interface Sight {
  readonly key: AgentKey | undefined;
  readonly again: () => void;
}

interface ClaimsOfCall {
  readonly jti?: string;
  readonly call?: string;
  readonly authorization_details?: readonly { readonly constraints?: object }[];
}

export function openWitness(): Witness {
  const problems: string[] = [];
  const tokens = new Map<string, string>();
  let looks = 0;
  return {
    problems,
    looks: () => looks,
    see(callId) {
      const key = currentKey();
      const again = (): void => {
        looks += 1;
        if (currentKey() !== key) problems.push(`${callId} saw another key at a later step`);
      };
      looks += 1;
      if (key === undefined) {
        problems.push(`${callId} saw no key`);
        return { key, again };
      }
      const { jti, call, authorization_details: details = [] } = claimsOf(key.token);
      const constrained = JSON.stringify(details.map(({ constraints }) => constraints));
      if (jti !== key.id) problems.push(`${callId} saw a handle of one key, a token of another`);
      if (call !== callId) problems.push(`${callId} saw the token of ${call}`);
      if (constrained !== JSON.stringify([{ call: callId }])) {
        problems.push(`${callId} saw a token for ${constrained}`);
      }
      const other = tokens.get(key.token);
      if (other !== undefined) problems.push(`${callId} saw the same token as ${other}`);
      tokens.set(key.token, callId);
      return { key, again };
    },
    seeNothing(callId) {
      const look = (): void => {
        looks += 1;
        if (currentKey() !== undefined) problems.push(`${callId} saw a key, and has none`);
      };
      look();
      return look;
    },
  };
}

function claimsOf(token: string): ClaimsOfCall {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as ClaimsOfCall;
}
