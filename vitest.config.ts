import { defineConfig } from "vitest/config";

// Without "module": Node is given these too, and packages keep files there that only bundlers can read.
const source = ["@agent-keys/source", "node", "import", "default"];

export default defineConfig({
  test: {
    projects: [
      {
        // The sources themselves: no build is needed, so none can be stale.
        resolve: { conditions: source },
        ssr: { resolve: { conditions: source, externalConditions: source } },
        test: {
          name: "unit",
          include: ["packages/*/src/**/*.test.ts"],
          testTimeout: 15_000,
          hookTimeout: 30_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/**/*.test.ts", "examples/**/*.test.ts"],
          exclude: ["**/node_modules/**", "test/adversarial/**", "test/bench/**"],
          // Node loads the built packages, as it will for a user; Vite has no say in it.
          server: { deps: { external: [/\/packages\/[^/]+\/dist\//] } },
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        // Long; runs only when named: npm run test:adversarial.
        test: {
          name: "adversarial",
          include: ["test/adversarial/**/*.test.ts"],
          server: { deps: { external: [/\/packages\/[^/]+\/dist\//] } },
          testTimeout: 600_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
