var SEARCH_SHOWN = 12;

/* The letters that the readings of a character begin with, where they are several: 重 is c or z. */
var SEVERAL = {};

/* The first letters of the pinyin of common characters; one of several readings stays as it is (see SEVERAL), as do
   Latin letters and digits, and a character of unknown reading is a "*", which stands for any letter. */
function initialsOf(index) {
  var letter = {}, decoder = null;
  try { decoder = new TextDecoder("gb2312"); } catch (error) { /* then names are found by their characters */ }
  index.starts.forEach(function (start, at) {
    var end = index.starts[at + 1] ? index.starts[at + 1][0] : start[0];
    for (var code = start[0]; decoder && code < end; code += 1) {
      if ((code & 255) >= 0xA1 && (code & 255) <= 0xFE) letter[decoder.decode(new Uint8Array([code >> 8, code & 255]))] = start[1];
    }
  });
  Array.from(index.rare[0]).forEach(function (character, at) { letter[character] = index.rare[1][at]; });
  Object.keys(index.several).forEach(function (letters) {
    Array.from(index.several[letters]).forEach(function (character) { SEVERAL[character] = letters; letter[character] = character; });
  });
  return function (text) {
    return Array.from(text.toLowerCase()).map(function (c) { return letter[c] || (/[a-z0-9]/.test(c) ? c : decoder && c >= "\u3400" && !/[\uff00-\uffff]/.test(c) ? "*" : ""); }).join("");
  };
}

/* Whether a typed letter is meant by a sign of a name's initials: the same, one of several readings, any for a "*". */
function fits(sign, typed, stars) {
  return sign === typed || (SEVERAL[sign] || "").indexOf(typed) >= 0 || (stars && sign === "*" && /[a-z]/.test(typed));
}

/* Where the typed letters stand in a name's initials, "*" being any letter unless stars is false; -1 if nowhere. */
function initialsAt(initials, query, stars) {
  for (var at = 0; at + query.length <= initials.length; at += 1) {
    var i = 0;
    while (i < query.length && fits(initials[at + i], query[i], stars !== false)) i += 1;
    if (i === query.length) return at;
  }
  return -1;
}

/* The same for every part of the page that looks for names; made when it is first asked for. */
Plan.prototype.initials = function () {
  if (!this.initials_of) this.initials_of = initialsOf(block("search-index"));
  return this.initials_of;
};

/* --- search --------------------------------------------------------------------------------- */

/* How well an entry fits what was typed, 0 the best; 9 if it does not. The name counts before the id and its initials. */
function rankOf(entry, query, latin) {
  var at = entry.text.toLowerCase().indexOf(query);
  if (at >= 0) return at ? 1 : 0;
  if (String(entry.id).toLowerCase().indexOf(query) === 0) return 2;
  if (!latin) return 9;
  at = initialsAt(entry.initials, query, false);
  if (at >= 0) return at ? 4 : 3;
  return entry.initials.indexOf("*") >= 0 && initialsAt(entry.initials, query) >= 0 ? 5 : 9;
}

/* The entries that fit, the best first and alike ones in their order. */
function findIn(entries, text) {
  var query = text.trim().toLowerCase(), latin = /^[a-z0-9]+$/.test(query);
  if (!query) return [];
  return entries.map(function (entry) { return [rankOf(entry, query, latin), entry]; })
    .filter(function (hit) { return hit[0] < 9; })
    .sort(function (a, b) { return a[0] - b[0]; })
    .map(function (hit) { return hit[1]; });
}

/* The field to type in and the list of what was found. */
function Search(plan, input, list) {
  this.plan = plan;
  this.input = input;
  this.list = list;
  this.entries = null;
  this.hits = [];
  this.active = -1;
}

/* Everything that can be found; read when the first letter is typed: a layer that is never shown or searched costs nothing. */
Search.prototype.known = function () {
  var search = this;
  if (!search.entries) {
    search.entries = [];
    block("search-index").layers.forEach(function (name) {
      if (search.plan.units[name]) search.addTiled(name); else search.addRows(name);
    });
  }
  return search.entries;
};

Search.prototype.add = function (name, row, text, id) {
  this.entries.push({ name: name, row: row, text: text, initials: this.plan.initials()(text), id: id, label: this.plan.read(name).label });
};

Search.prototype.addTiled = function (name) {
  var search = this, named = this.plan.groups[name].names();
  if (named) named.texts.forEach(function (text, at) { search.add(name, at, text, named.ids[at]); });
};

Search.prototype.addRows = function (name) {
  var search = this, layer = this.plan.read(name), column = layer.columns[layer.title], seen = {}, line = layer.kind === "line";
  layer.ids.forEach(function (id, row) {
    var text = column ? cell(column, row) : String(id);
    // What has no name is found by its id; streets come in too many nameless pieces for that.
    if ((text === null || text === "") && !line) text = String(id);
    if (text === null || text === "" || (line && seen["_" + text])) return;
    seen["_" + text] = true;
    search.add(name, row, String(text), id);
  });
};

Search.prototype.county = function (entry) {
  var plan = this.plan, units, row;
  if (plan.units[entry.name]) return "";
  var column = plan.read(entry.name).columns.filter(function (one) { return one.name === "unit_code"; })[0];
  var code = column ? cell(column, entry.row) : null;
  if (code === null || code === "") return "";
  if (plan.order.indexOf("reporting_units") < 0) return words(column, code, plan.ui);
  units = plan.read("reporting_units");
  row = units.ids.map(String).indexOf(String(code));
  return row < 0 ? String(code) : plan.title(units, row);
};

/* Kind of thing; beside it, where several of one kind share a name, the county, or the id if that is shared too. */
Search.prototype.where = function (entry, all) {
  var search = this, alike = all.filter(function (one) { return one.name === entry.name && one.text === entry.text; });
  if (alike.length < 2) return entry.label;
  var place = search.county(entry);
  var alone = place && alike.filter(function (one) { return search.county(one) === place; }).length === 1;
  return entry.label + " " + (alone ? place : entry.id);
};

Search.prototype.close = function () {
  this.list.hidden = true;
  this.input.setAttribute("aria-expanded", "false");
  this.input.removeAttribute("aria-activedescendant");
  this.active = -1;
};

Search.prototype.choose = function (at) {
  var plan = this.plan, entry = this.hits[at];
  if (!entry) return;
  this.close();
  this.input.value = entry.text;
  plan.panel(false);
  if (plan.units[entry.name]) { plan.groups[entry.name].visitNamed(entry.row); return; }
  plan.visit(entry.name, entry.row);
  document.querySelector(".leaflet-popup-content").focus({ preventScroll: true });
};

Search.prototype.mark = function (at) {
  var input = this.input;
  this.active = at;
  Array.prototype.forEach.call(this.list.querySelectorAll('[role="option"]'), function (option, i) {
    option.setAttribute("aria-selected", String(i === at));
    if (i === at) { input.setAttribute("aria-activedescendant", option.id); option.scrollIntoView({ block: "nearest" }); }
  });
};

/* The list once more, for what stands in the field. */
Search.prototype.update = function () {
  var search = this, plan = this.plan, list = this.list, typed = this.input.value.trim();
  var all = typed ? findIn(this.known(), typed) : [];
  this.hits = all.slice(0, SEARCH_SHOWN);
  list.textContent = "";
  this.active = -1;
  this.hits.forEach(function (entry, at) { list.appendChild(search.option(entry, at, all)); });
  var said = !typed ? "" : all.length ? plan.ui.found.replace("{n}", all.length) : plan.ui.not_found;
  if (said && (all.length > this.hits.length || !all.length)) list.appendChild(node("li", { "class": "note", role: "presentation" }, said));
  list.hidden = !said;
  this.input.setAttribute("aria-expanded", String(!list.hidden));
  plan.say(said);
};

Search.prototype.option = function (entry, at, all) {
  var search = this, option = node("li", { role: "option", id: "found-" + at, "aria-selected": "false" });
  option.appendChild(node("span", { "class": "what" }, entry.text));
  option.appendChild(node("span", { "class": "where" }, this.where(entry, all)));
  option.addEventListener("mousedown", function (event) { event.preventDefault(); search.choose(at); });
  return option;
};

Search.prototype.key = function (event) {
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    if (this.hits.length) this.mark(this.next(event.key === "ArrowDown"));
  } else if (event.key === "Enter") {
    event.preventDefault();
    if (this.list.hidden) this.update();
    this.choose(this.active < 0 ? 0 : this.active);
  } else if (event.key === "Escape") { this.close(); }
};

/* The place of the hit after the marked one, or before it; the last is followed by the first. */
Search.prototype.next = function (down) {
  var count = this.hits.length;
  return (this.active + (down ? 1 : count - (this.active < 0 ? 0 : 1))) % count;
};

Plan.parts.push({
  start: function (plan) {
    var input = document.getElementById("find"), search = new Search(plan, input, document.getElementById("found"));
    if (!input) return;
    input.addEventListener("input", function () { search.update(); });
    input.addEventListener("focus", function () { if (input.value.trim()) search.update(); });
    input.addEventListener("blur", function () { search.close(); });
    input.addEventListener("keydown", function (event) { search.key(event); });
  }
});
