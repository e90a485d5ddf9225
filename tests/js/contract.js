// What the scripts of a page read of its data: reads the records as JSON (record -> field -> type, as Python writes
// types) and the names the scripts have for them; writes, per record, the fields that are read.
"use strict";

const { readdirSync, readFileSync } = require("node:fs");
const { join } = require("node:path");
const espree = require("espree");

const FOLDER = join(__dirname, "../../gis_renovation/assets/page");
const CALLS_WITH_ONE = new Set(["forEach", "map", "filter", "some", "every"]);

const { records, names, results, strangers } = JSON.parse(readFileSync(0, "utf8"));
const read = Object.fromEntries(Object.keys(records).map((name) => [name, new Set()]));
let called = names;
const written = Object.fromEntries(Object.keys(records).map((name) => [name, new Set()]));

function fieldOf(record, name) {
  const type = records[record]?.[name];
  return type === undefined ? null : type;
}

// "list[ColumnBlock]" -> "ColumnBlock"; "dict[str, X]" -> "X".
function elementOf(type) {
  const found = type && /^(?:list\[(.*)\]|dict\[str, (.*)\])$/.exec(type);
  return found ? found[1] ?? found[2] : null;
}

const TYPES = {
  Identifier: (node, scope) => scope.get(node.name) ?? null,
  MemberExpression: typeOfMember,
  CallExpression: typeOfCall,
  LogicalExpression: (node, scope) => typeOf(node.left, scope) ?? typeOf(node.right, scope),
  ConditionalExpression: (node, scope) => typeOf(node.consequent, scope) ?? typeOf(node.alternate, scope),
  AssignmentExpression: (node, scope) => typeOf(node.right, scope),
};

function typeOf(node, scope) {
  return (node && TYPES[node.type]?.(node, scope)) ?? null;
}

function typeOfMember(node, scope) {
  const owner = typeOf(node.object, scope);
  if (node.computed) return elementOf(owner);
  if (owner in records) return fieldOf(owner, node.property.name);
  return results[`.${node.property.name}`] ?? null;
}

function typeOfCall(node, scope) {
  const { callee } = node;
  if (callee.type === "Identifier") return results[`${callee.name}(${node.arguments[0]?.value ?? ""})`] ?? null;
  if (callee.type !== "MemberExpression") return null;
  const owner = typeOf(callee.object, scope), name = callee.property.name;
  if (name === "create") return typeOf(node.arguments[0], scope);
  if (["filter", "slice", "concat", "reverse", "sort"].includes(name) && elementOf(owner)) return owner;
  return results[`.${name}()`] ?? null;
}

function note(node, scope, into) {
  const owner = typeOf(node.object, scope);
  if (!(owner in records) || node.computed) return;
  into[owner].add(node.property.name);
}

function children(node) {
  return Object.entries(node).filter(([key]) => key !== "parent").flatMap(([, value]) => value)
    .filter((value) => value && typeof value.type === "string");
}

function withParameters(node, scope, first) {
  const inner = new Map(scope);
  node.params.forEach((one, at) => inner.set(one.name, (at === 0 && first) || called[one.name] || null));
  return inner;
}

// A function given to layer.columns.forEach(...) takes a column.
function visitCall(node, scope) {
  const { callee } = node;
  visit(callee, scope);
  const calls = callee.type === "MemberExpression" && CALLS_WITH_ONE.has(callee.property.name);
  const element = calls ? elementOf(typeOf(callee.object, scope)) : null;
  node.arguments.forEach((one) => {
    if (one.type === "FunctionExpression") visitFunction(one, scope, element);
    else visit(one, scope);
  });
}

function visitFunction(node, scope, first) {
  visit(node.body, withParameters(node, scope, first));
}

const VISITS = {
  FunctionDeclaration: (node, scope) => visitFunction(node, scope, null),
  FunctionExpression: (node, scope) => visitFunction(node, scope, null),
  CallExpression: visitCall,
  VariableDeclarator(node, scope) {
    if (node.init) visit(node.init, scope);
    scope.set(node.id.name, typeOf(node.init, scope) ?? called[node.id.name] ?? null);
  },
  AssignmentExpression(node, scope) {
    const { left } = node;
    if (left.type === "MemberExpression") {
      note(left, scope, written);
      visit(left.object, scope);
    } else if (left.type === "Identifier") {
      scope.set(left.name, typeOf(node.right, scope) ?? scope.get(left.name) ?? called[left.name] ?? null);
    }
    visit(node.right, scope);
  },
  MemberExpression(node, scope) {
    note(node, scope, read);
    visit(node.object, scope);
    if (node.computed) visit(node.property, scope);
  },
};

function visit(node, scope) {
  const own = VISITS[node.type];
  if (own) own(node, scope);
  else children(node).forEach((child) => visit(child, scope));
}

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith(".js"))) {
  called = Object.fromEntries(Object.entries(names).filter(([name]) => !(strangers[file] ?? []).includes(name)));
  const here = new Map(Object.entries(called));
  visit(espree.parse(readFileSync(join(FOLDER, file), "utf8"), { ecmaVersion: 2022 }), here);
}
const sorted = (sets) => Object.fromEntries(Object.entries(sets).map(([name, fields]) => [name, [...fields].sort()]));
console.log(JSON.stringify({ read: sorted(read), written: sorted(written) }));
