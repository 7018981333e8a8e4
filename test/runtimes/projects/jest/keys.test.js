/* global test, expect */
const packages = require("./packages.cjs");
const { expectedLines, runProgram } = require("./program.cjs");

test("the program runs in Jest as it does in Node", async () => {
  expect(await runProgram(packages)).toEqual(expectedLines);
});
