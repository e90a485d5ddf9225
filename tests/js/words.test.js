"use strict";

const test = require("node:test");
const assert = require("node:assert/strict");
const { load } = require("./scripts.js");

const { cell, number, told, words } = load("words");
const ui = { unknown: "未知", yes: "是", no: "否", myriad_yuan: "万元", about: "约{n}" };

test("numbers have commas for thousands and no trailing zeros", () => {
  assert.equal(number(1234567.5, 2), "1,234,567.5");
  assert.equal(number(12, 2), "12");
  assert.equal(number(999.995, 2), "1,000");
  assert.equal(number(0.004, 2), "0");
  assert.equal(number(-0.004, 2), "0", "nothing is not less than nothing");
  assert.equal(number(-1234.5, 1), "-1,234.5");
});

test("values are words: unknown, not applicable, true and false, codes", () => {
  assert.equal(words({}, null, ui), "未知");
  assert.equal(words({}, undefined, ui), "未知");
  assert.equal(words({}, "", ui), "—");
  assert.equal(words({}, true, ui), "是");
  assert.equal(words({ labels: { a: "甲" } }, "a", ui), "甲");
  assert.equal(words({ labels: { a: "甲" } }, "toString", ui), "toString", "a code is looked up among the labels alone");
});

test("numbers carry their unit, shares are percents, large sums ten thousands, years as they are", () => {
  assert.equal(words({ unit: "m" }, 99.456, ui), "99.46 m");
  assert.equal(words({ unit: "m" }, 100.456, ui), "100 m");
  assert.equal(words({ share: true }, 0.4567, ui), "45.7%");
  assert.equal(words({ money: true, unit: "元" }, 12_345_678, ui), "1,234.57 万元");
  assert.equal(words({ money: true, unit: "元" }, 9_999, ui), "9,999 元");
  assert.equal(words({ plain: true }, 1998, ui), "1998");
});

test("a column with a dictionary holds places in it", () => {
  const column = { dict: ["砖混", "框架"], data: [1, null, 0] };
  assert.deepEqual([0, 1, 2].map((row) => cell(column, row)), ["框架", null, "砖混"]);
});

test("only an approximate number says so", () => {
  const column = { about: { 1: 1 } };
  assert.equal(told(column, 1, 20, ui), "约20");
  assert.equal(told(column, 0, 20, ui), "20");
  assert.equal(told(column, 1, null, ui), "未知");
});
