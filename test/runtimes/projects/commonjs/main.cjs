const packages = require("./packages.cjs");
const { runProgram } = require("./program.cjs");

void runProgram(packages).then((said) => console.log(said.join("\n")));
