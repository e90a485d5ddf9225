"use strict";

const test = require("node:test");
const assert = require("node:assert/strict");
const { load, plain } = require("./scripts.js");

const { findIn, initialsAt, initialsOf, rankOf } = load("words", "shapes", "painted", "plan", "search");
// Of the characters in the order of their pinyin only those that begin with l; one rare character.
const initials = initialsOf({ starts: [[0xC0AC, "l"], [0xC2E8, ""]], rare: ["颍", "y"], several: { cz: "重长", hx: "行" } });

test("characters become the initials of their pinyin, unknown ones a star", () => {
  assert.equal(initials("龙颍A3"), "lya3");
  assert.equal(initials("龙湖新村"), "l***");
  assert.equal(initials("龙（一）"), "l*", "brackets are no letters");
});

test("a star stands for any letter, not for a digit", () => {
  assert.equal(initialsAt("l***", "lhxc"), 0);
  assert.equal(initialsAt("al*", "lh"), 1);
  assert.equal(initialsAt("l*", "l3"), -1);
  assert.equal(initialsAt("l", "lh"), -1);
});

test("a character of several readings is found by each of them, and by no other letter", () => {
  const name = initials("长龙重");
  for (const typed of ["clc", "clz", "zlc", "zlz", "lz"]) assert.ok(initialsAt(name, typed) >= 0, typed);
  for (const typed of ["xlc", "cll", "clh"]) assert.equal(initialsAt(name, typed), -1, typed);
  assert.equal(initialsAt(initials("龙行"), "lx", false), 0, "without any star");
  assert.equal(rankOf({ text: "行龙", id: "1", initials: initials("行龙") }, "hl", true), 3, "as good as one reading");
});

const entry = (text, id) => ({ text, id, initials: initials(text) });

test("the beginning of a name counts most, then its parts, the id, the initials", () => {
  const ranks = [["龙", "龙湖", "X"], ["湖", "龙湖", "X"], ["c1", "龙湖", "C12"], ["l", "龙湖", "X"], ["l", "A龙", "X"], ["lh", "龙湖", "X"], ["z", "A1", "X"]];
  assert.deepEqual(ranks.map(([query, text, id]) => rankOf(entry(text, id), query, /^[a-z0-9]+$/.test(query))), [0, 1, 2, 3, 4, 5, 9]);
});

test("what fits is found, the best first and alike ones in their order", () => {
  const entries = [entry("东龙湖", "1"), entry("龙湖", "2"), entry("泉山", "3"), entry("龙湖", "4")];
  assert.deepEqual(plain(findIn(entries, " 龙湖 ").map((one) => one.id)), ["2", "4", "1"]);
  assert.deepEqual(plain(findIn(entries, "  ")), []);
});
