// The CommonJS entry has the same types.
import express = require("express");
import mcpauth = require("mcpAuth");

express().use("/mcp", mcpauth.mcpAuth({ registrationSecret: process.env["MCPAUTH_SECRET"], cacheSeconds: 0 }));
