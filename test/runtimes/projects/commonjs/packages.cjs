// Node's require() loads the packages, which are ES modules.
exports.core = require("@agent-keys/core");
exports.mcp = require("@agent-keys/core/mcp");
exports.aiSdk = require("@agent-keys/ai-sdk");
exports.langchain = require("@agent-keys/langchain");
exports.tools = require("@langchain/core/tools");
exports.z = require("zod");
