"use strict";

const test = require("node:test");
const assert = require("node:assert/strict");
const { load } = require("./scripts.js");

const { areaOf, fromGcj, geodesic, toGcj } = load("words", "shapes", "painted", "plan", "geodesy", "base");
const place = (lat, lng) => ({ lat, lng });

test("lengths are those of the geodesic on the ellipsoid", () => {
  // A degree of the equator, and the quarter of a meridian of CGCS2000.
  assert.ok(Math.abs(geodesic(place(0, 0), place(0, 1)) - 111_319.4908) < 1e-3);
  assert.ok(Math.abs(geodesic(place(0, 0), place(90, 0)) - 10_001_965.7293) < 1e-3);
  assert.equal(geodesic(place(32, 117), place(32, 117)), 0);
});

test("areas are those of the ellipsoid", () => {
  const octant = [place(0, 0), place(0, 90), place(90, 0)];
  assert.ok(Math.abs(areaOf(octant) / (510_065_621.7e6 / 8) - 1) < 1e-6, "an eighth of the earth");
  assert.equal(areaOf(octant.slice(0, 2)), 0);
});

test("GCJ-02 is some hundred metres off, and taken back to a millimetre", () => {
  const there = toGcj(place(32.63, 117));
  assert.ok(Math.abs(geodesic(place(32.63, 117), there) - 557) < 2);
  const back = fromGcj(there);
  assert.ok(geodesic(place(32.63, 117), back) < 0.001);
});

