// Runs on the oldest Node that knows modules, so nothing newer than 2020 may be used here.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    "agent-keys: Node 22.18 or newer is needed, this is " +
      process.versions.node +
      "; on Linux and Windows `npm install` (without --omit=optional) brings Node 24, elsewhere install it, then run this again through npm.",
  );
  process.exit(2);
}
