#!/usr/bin/env node
/// <reference types="node" />
// A committed file, because npm links only a bin that exists at install, before anything is built. What it
// imports may be more than an old Node can read, so the version is looked at first.
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major > 22 || (major === 22 && minor >= 19)) {
  await import("../dist/bin.js");
} else {
  process.stderr.write(
    `agent-keys: needs Node 22.19 or later, and this is ${process.versions.node}\n` +
      "hint: install a newer one from https://nodejs.org, then run the command again\n",
  );
  process.exitCode = 2;
}
