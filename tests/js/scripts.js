// The scripts of a page in a scope of their own, as the page has them, without a browser around.
"use strict";

const { readFileSync } = require("node:fs");
const { join } = require("node:path");
const vm = require("node:vm");

const FOLDER = join(__dirname, "../../gis_renovation/assets/page");

// A stand-in for the map library: only what the scripts ask of it when they are read, and plain places.
const LIBRARY = {
  FeatureGroup: { extend: (own) => own },
  GridLayer: { extend: (own) => own },
  Layer: { extend: (own) => own },
  TileLayer: { extend: (own) => own },
  latLng: (lat, lng) => ({ lat, lng }),
};

function load(...names) {
  const scope = vm.createContext({ L: LIBRARY, TextDecoder, atob, location: { hash: "" }, window: {} });
  for (const name of names) {
    vm.runInContext(readFileSync(join(FOLDER, `${name}.js`), "utf8"), scope, { filename: `${name}.js` });
  }
  return scope;
}

// Values made in the scripts' scope have that scope's prototypes: compared as data.
const plain = (value) => JSON.parse(JSON.stringify(value));

module.exports = { load, plain };
