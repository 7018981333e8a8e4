import { expect, test } from "vitest";
import { runHere } from "../test/command.ts";

test("the help of all is the same however it is asked for, and names each command", async () => {
  const asked = await runHere(["help"]);
  expect([asked.status, asked.stderr]).toEqual([0, ""]);
  for (const flags of [["--help"], ["-h"], ["help", "--help"]]) {
    expect(await runHere(flags)).toEqual(asked);
  }
  for (const command of ["init", "broker", "services", "tail", "ls", "show", "stats", "verify"]) {
    expect(asked.stdout).toMatch(new RegExp(`^  ${command} `, "m"));
  }
  const widths = asked.stdout.split("\n").map((line) => line.length);
  expect(Math.max(...widths)).toBeLessThanOrEqual(80);
});

test("behind --, help is an id", async () => {
  const { status, stderr } = await runHere(["show", "--file", import.meta.filename, "--", "-h"]);
  expect(status).toBe(2);
  expect(stderr).toContain("agent-keys: ");
});
