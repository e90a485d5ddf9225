"use strict";

const test = require("node:test");
const assert = require("node:assert/strict");
const { load, plain } = require("./scripts.js");

const scope = load("words", "shapes", "painted", "plan", "state", "table", "rates");
const ui = { unknown: "未知", yes: "是", no: "否" };

test("unknown values come last whichever way a column is sorted", () => {
  for (const way of [1, -1]) {
    assert.ok(scope.valueOrder(null, 3, way) > 0);
    assert.ok(scope.valueOrder(3, null, way) < 0);
  }
  assert.ok(scope.valueOrder(2, 10, 1) < 0, "numbers by size");
  assert.ok(scope.valueOrder("b", "a", -1) < 0);
});

test("no cell of a saved table starts a formula", () => {
  for (const text of ["=1+1", "+1", "-1", "@x", "\tx"]) assert.equal(scope.quoted(text), `"'${text}"`);
  assert.equal(scope.quoted('a"b'), '"a""b"');
});

test("a saved table has bare numbers, and words for codes, shares and what is unknown", () => {
  assert.equal(scope.csvCell({ unit: "m" }, 12.5, ui), "12.5");
  assert.equal(scope.csvCell({ share: true }, 0.5, ui), '"50%"');
  assert.equal(scope.csvCell({ labels: { 1: "一级" } }, 1, ui), '"一级"');
  assert.equal(scope.csvCell({}, null, ui), '"未知"');
  assert.equal(scope.csvCell({}, "", ui), '""');
});

test("a rate falls into the class of the breaks at or below it; unknown is the last", () => {
  assert.deepEqual([0, 0.2, 0.5, 1, null].map((value) => scope.classOf(value, [0.2, 0.8])), [0, 1, 1, 2, 3]);
});

test("the address keeps view and parts, and gives them back in the parts' own order", () => {
  const seen = [], plan = { map: { getZoom: () => 15.5, getCenter: () => ({ lat: 32.6312345, lng: 117 }), setView: (...view) => seen.push(view) } };
  const part = (key, kept) => ({ key, write: () => kept, read: (_plan, text) => seen.push([key, text]) });
  scope.Plan.parts = [part("on", "zones,parks"), part("month", null), part("at", "zones%3AZ-1"), { start() {} }];
  const address = scope.Plan.prototype.address.call(plan);
  assert.equal(address, "#15.5/32.63123/117.00000&on=zones,parks&at=zones%3AZ-1");
  scope.location.hash = "#15.5/32.63123/117.00000&at=zones%3AZ-1&else=1&on=zones,parks";
  scope.Plan.prototype.restore.call(plan);
  assert.deepEqual(plain(seen), [[[32.63123, 117], 15.5, { animate: false }], ["on", "zones,parks"], ["at", "zones%3AZ-1"]]);
});

test("a part of the address that cannot be read is left out", () => {
  const fresh = load("words", "shapes", "painted", "plan", "state", "rates");
  fresh.location.hash = "#rate=%E0%A4%A";
  fresh.Plan.prototype.restore.call({ map: {} });
});
