// Both are tried. Turbopack bundles the packages unless they are named.
const packages = ["@agent-keys/core", "@agent-keys/ai-sdk", "@agent-keys/langchain"];

export default process.env.EXTERNAL === "1" ? { serverExternalPackages: packages } : {};
