// For Node before 24.9: Babel turns the ES modules into CommonJS. Jest on a newer Node needs no
// configuration but NODE_OPTIONS=--experimental-vm-modules.
module.exports = {
  transform: {
    "\\.[cm]?js$": [
      "babel-jest",
      { presets: [["@babel/preset-env", { targets: { node: "current" } }]] },
    ],
  },
  transformIgnorePatterns: ["/node_modules/(?!(@agent-keys|jose)/)"],
};
