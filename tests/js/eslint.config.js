// The scripts of a page are put together into one closed scope (gis_renovation/maps/assets.py): what one of them
// declares at its top is known to all others.
"use strict";

const { readdirSync, readFileSync } = require("node:fs");
const { join } = require("node:path");
const espree = require("espree");

const FOLDER = join(__dirname, "../../gis_renovation/assets/page");
const BROWSER = [
  "Blob", "DataView", "TextDecoder", "URL", "atob", "clearInterval", "document", "fetch", "getComputedStyle", "history",
  "localStorage", "location", "navigator", "performance", "setInterval", "setTimeout", "window",
];
const LIBRARIES = ["L", "pmtiles", "protomapsL"];

function declared(file) {
  const tree = espree.parse(readFileSync(join(FOLDER, file), "utf8"), { ecmaVersion: 2022 });
  return tree.body.flatMap((node) => {
    if (node.type === "FunctionDeclaration") return [node.id.name];
    return node.type === "VariableDeclaration" ? node.declarations.map((one) => one.id.name) : [];
  });
}

const ours = readdirSync(FOLDER).filter((name) => name.endsWith(".js")).flatMap(declared);
const rules = {
  "no-unused-vars": ["error", { vars: "local", args: "after-used", caughtErrors: "none" }],
  "no-undef": "error",
  "eqeqeq": "error",
  "max-lines-per-function": ["error", { max: 40, skipComments: true, skipBlankLines: true }],
  "complexity": ["error", 10],
};

module.exports = [
  {
    files: ["gis_renovation/assets/page/*.js", "gis_renovation/assets/site.js"],
    languageOptions: {
      ecmaVersion: 2022,
      sourceType: "script",
      globals: Object.fromEntries([...BROWSER, ...LIBRARIES, ...ours].map((name) => [name, "readonly"])),
    },
    rules,
  },
  {
    files: ["tests/js/*.js"],
    languageOptions: {
      ecmaVersion: 2022,
      sourceType: "commonjs",
      globals: Object.fromEntries(["Buffer", "TextDecoder", "__dirname", "atob", "console", "module", "require"].map((name) => [name, "readonly"])),
    },
    rules,
  },
];
