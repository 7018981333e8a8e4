import type { Policy } from "@agent-keys/core";

/** The ceiling of the agent's keys where they are minted, and again where the broker admits a request. */
export const releasePolicy: Policy = {
  "release-bot": {
    allow: [
      { scope: "github:issues.read", where: { owner: "acme", repo: "site" } },
      { scope: "slack:chat.write", where: { channel: "C-RELEASES" }, uses: 1 },
    ],
  },
};
