"use strict";

const test = require("node:test");
const assert = require("node:assert/strict");
const { load, plain } = require("./scripts.js");

const scope = load("words", "shapes", "painted", "plan", "names", "tiles");

test("steps in microdegrees become places, latitude first", () => {
  assert.deepEqual(plain(scope.positions([0, 0, 100_000, -50_000], [117_000_000, 32_600_000])), [[32.6, 117], [32.55, 117.1]]);
});

test("every flat list under a geometry is found, in order", () => {
  const found = [];
  scope.flats([[[1, 2], [3, 4]], [[5, 6]]], found);
  assert.deepEqual(found, [[1, 2], [3, 4], [5, 6]]);
  assert.deepEqual(scope.firstFlat([[[1, 2], [3, 4]]]), [1, 2]);
});

test("shapes as positions on the unit square are found by their boxes", () => {
  const square = [0, 0, 1_000, 0, 0, 1_000, -1_000, 0];
  const outlines = new scope.Outlines({ ids: ["a", "b"], geometry: [square, [[[...square]], [[90_000_000, 0, 10, 0, 0, 10]]]], origin: [0, 0] });
  assert.deepEqual([...outlines.first], [0, 1, 3]);
  assert.deepEqual(plain(outlines.within(0.4, 0.4, 0.6, 0.6)), [0, 1]);
  assert.deepEqual(plain(outlines.within(0.7, 0.4, 0.8, 0.6)), [1], "a box spans all parts of a shape");
  assert.ok(Math.abs(scope.unitPosition(0, 0)[1] - 0.5) < 1e-12);
  assert.ok(Math.abs(scope.unitLat(scope.unitY(32.63)) - 32.63) < 1e-9);
});

test("the middle of a feature is the mean corner of its first part", () => {
  const centres = new scope.Centres({ geometry: [[0, 0, 2_000_000, 0, 0, 2_000_000, -2_000_000, 0]], origin: [0, 0] });
  assert.deepEqual([centres.lat[0], centres.lng[0]], [1, 1]);
});

test("a place is inside a ring but not in its hole, near a line or not", () => {
  const ring = (a, b) => [{ x: a, y: a }, { x: b, y: a }, { x: b, y: b }, { x: a, y: b }, { x: a, y: a }];
  assert.equal(scope.insideRings(2, 2, [ring(0, 10), ring(4, 6)]), true);
  assert.equal(scope.insideRings(5, 5, [ring(0, 10), ring(4, 6)]), false);
  assert.equal(scope.nearLines(5, 3, [[{ x: 0, y: 0 }, { x: 10, y: 0 }]], 3), true);
  assert.equal(scope.nearLines(5, 4, [[{ x: 0, y: 0 }, { x: 10, y: 0 }]], 3), false);
  assert.ok(scope.ringArea(ring(0, 10)) > 0);
});

test("a shape of a tile becomes steps in microdegrees, its holes in its polygon", () => {
  const tile = { x: 6_759, y: 3_297 }, pixel = (x, y) => ({ x, y });
  const outer = [pixel(0, 0), pixel(100, 0), pixel(100, 100), pixel(0, 100), pixel(0, 0)], hole = [...outer].reverse();
  const group = { ...scope.TileGroup, tiles: () => ({ zoom: 13 }) };
  const polygons = group.shapeOf({ geom: [outer, hole, outer] }, "polygon", tile, [0, 0]);
  assert.deepEqual(plain(polygons.map((rings) => rings.length)), [2, 1]);
  assert.equal(polygons[0][0].length, 8, "the last corner is the first");
  assert.equal(polygons[0][0][0], Math.round((tile.x / 8192 * 360 - 180) * 1e6));
});

test("bytes come out of base64 as they went in", () => {
  assert.deepEqual([...scope.bytesOf(Buffer.from([0, 127, 128, 255]).toString("base64"))], [0, 127, 128, 255]);
});

test("a name that covers another finds no room", () => {
  const room = new scope.Room(1), layer = { label_size: 12 };
  assert.equal(room.take(layer, { x: 100, y: 100 }, "龙湖新村", 0), true);
  assert.equal(room.take(layer, { x: 110, y: 105 }, "泉山", 0), false);
  assert.equal(room.take(layer, { x: 110, y: 140 }, "泉山", 0), true);
});
