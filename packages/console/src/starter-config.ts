import type { PublicJwk } from "@agent-keys/core";

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
      // The agents that it may mint for.
      agents: ["my-agent"],
      // The most that a key of theirs can do here, whatever it says itself. It
      // is asked at each request; what no rule allows is refused.
      policy: {
        "my-agent": {
          allow: [
            { scope: "github:repos.read", where: { owner: "octocat" } },
            { scope: "github:issues.*", where: { owner: "octocat" }, uses: 10 },
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

  // Where the credential of each is read. Only this process ever has it. A file
  // of your own, mode 0600: file("./github.token").
  secrets: { github: env("GITHUB_TOKEN") },

  // Each request is on the record before it is sent: npx agent-keys tail -f
  audit: fileSink("agent-keys.audit.jsonl"),

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
