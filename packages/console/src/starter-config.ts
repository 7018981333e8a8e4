import type { PublicJwk } from "@agent-keys/core";
import { BROKER_FILE } from "./audit-file.ts";

/** Who mints, as the broker is to know it: the public half of a signing key. */
export interface StarterIssuer {
  readonly iss: string;
  readonly jwk: PublicJwk;
}

/** A configuration that works as it is, and says what its lines are for. */
export function starterConfig({ iss, jwk }: StarterIssuer): string {
  const { kty, crv, x, kid, alg, use } = jwk;
  return `// What the broker accepts, and what it sends on. It is read when the broker
// starts: npx agent-keys broker
import { defineConfig } from "@agent-keys/broker";
import { github } from "@agent-keys/broker/services";
import { fileSink } from "@agent-keys/core";
import { env } from "@agent-keys/secrets";

export default defineConfig({
  // Who may mint keys. Nobody else is believed.
  issuers: {
    // The name that createAgentKeys() gives itself under agent-keys.key.
    ${quoted(iss)}: {
      // The public half of agent-keys.key.
      jwks: {
        keys: [
          {
            kty: ${quoted(kty)},
            crv: ${quoted(crv)},
            x: ${quoted(x)},
            kid: ${quoted(kid)},
            alg: ${quoted(alg)},
            use: ${quoted(use)},
          },
        ],
      },
      // EDIT when yours has another name: the agents that it may mint for, each
      // the \`agent\` of a createAgentKeys().
      agents: ["my-agent"],
      // The most that a key of theirs can do here, whatever the policy in the
      // agent's own process says. It is asked at each request; what no rule
      // allows is refused (policy_denied).
      policy: {
        "my-agent": {
          allow: [
            // EDIT: as it is, whatever GITHUB_TOKEN can read. Narrower, by what
            // \`npx agent-keys services --explain\` names:
            //   { scope: "github:issues.*", where: { owner: "you" } },
            { scope: "github:repos.read" },
            { scope: "github:issues.read" },
          ],
          // What matches here is refused, whatever is allowed above.
          deny: ["github:repos.delete"],
        },
      },
    },
  },

  // The APIs that a key may reach, at http://127.0.0.1:4949/<name>. There are
  // also slack and openai, and defineService() for your own.
  services: [github],

  // Where the credential of each is read. Only this process ever has it: set
  // GITHUB_TOKEN for the broker alone, or in a file that --env-file names. Or
  // keep it in a file of its own, mode 0600: file("./github.token").
  secrets: { github: env("GITHUB_TOKEN") },

  // Each request is on the record before it is sent: npx agent-keys tail -f
  // (The agent's own record, of keys and calls, is agent-keys.audit.jsonl.)
  audit: fileSink(${quoted(BROKER_FILE)}),

  // Where agents reach it: their AGENT_KEYS_BROKER. Beyond loopback the broker
  // insists on tls: { cert, key }, or on behindTls: true.
  host: "127.0.0.1",
  port: 4949,
});
`;
}

/** Where the broker of that configuration listens. */
export const STARTER_BROKER = "http://127.0.0.1:4949";

// A kid of one's own may hold anything.
function quoted(text: string): string {
  return JSON.stringify(text);
}
