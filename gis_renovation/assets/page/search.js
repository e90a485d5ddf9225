var SEARCH_SHOWN = 12;

/* The first letters of the pinyin of common characters (one reading each); Latin letters and digits stay,
   and a character of unknown reading is a "*", which stands for any letter. */
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
  return function (text) {
    return Array.from(text.toLowerCase()).map(function (c) { return letter[c] || (/[a-z0-9]/.test(c) ? c : decoder && c >= "\u3400" && !/[\uff00-\uffff]/.test(c) ? "*" : ""); }).join("");
  };
}

/* Where the typed letters stand in a name's initials, "*" being any letter; -1 if nowhere. */
function initialsAt(initials, query) {
  for (var at = 0; at + query.length <= initials.length; at += 1) {
    var i = 0;
    while (i < query.length && (initials[at + i] === query[i] || (initials[at + i] === "*" && /[a-z]/.test(query[i])))) i += 1;
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

Plan.prototype.find = function (text, entries) {
  var query = text.trim().toLowerCase();
  if (!query) return [];
  var latin = /^[a-z0-9]+$/.test(query), hits = [];
  entries.forEach(function (entry) {
    var at = entry[2].toLowerCase().indexOf(query);
    var rank = at === 0 ? 0 : at > 0 ? 1 : 9;
    if (rank === 9 && String(entry[4]).toLowerCase().indexOf(query) === 0) rank = 2;
    if (rank === 9 && latin && entry[3].indexOf(query) === 0) rank = 3;
    if (rank === 9 && latin && entry[3].indexOf(query) > 0) rank = 4;
    if (rank === 9 && latin && entry[3].indexOf("*") >= 0 && initialsAt(entry[3], query) >= 0) rank = 5;
    if (rank < 9) hits.push([rank, entry]);
  });
  hits.sort(function (a, b) { return a[0] - b[0]; });
  return hits.map(function (hit) { return hit[1]; });
};

Plan.prototype.search = function () {
  var plan = this, input = document.getElementById("find"), list = document.getElementById("found");
  if (!input) return;
  var index = block("search-index"), entries = null;

  /* Read when the first letter is typed: a layer that is never shown or searched costs nothing. */
  function known() {
    if (entries) return entries;
    var initials = plan.initials();
    entries = [];
    index.layers.forEach(function (name) {
      var layer = plan.read(name), column = layer.columns[layer.title], seen = {}, tiled = plan.units[name] ? plan.groups[name] : null;
      if (tiled) {
        var named = tiled.names();
        if (named) named.texts.forEach(function (text, at) { entries.push([name, at, text, initials(text), named.ids[at], layer.label]); });
        return;
      }
      layer.ids.forEach(function (id, row) {
        var text = column ? cell(column, row) : String(id);
        // What has no name is found by its id; streets come in too many nameless pieces for that.
        if ((text === null || text === "") && layer.kind !== "line") text = String(id);
        if (text === null || text === "" || (layer.kind === "line" && seen["_" + text])) return;
        seen["_" + text] = true;
        entries.push([name, row, String(text), initials(String(text)), id, layer.label]);
      });
    });
    return entries;
  }

  function county(entry) {
    if (plan.units[entry[0]]) return "";
    var layer = plan.read(entry[0]), column = layer.columns.filter(function (one) { return one.name === "unit_code"; })[0];
    var code = column ? cell(column, entry[1]) : null, units, row;
    if (code === null || code === "") return "";
    if (plan.order.indexOf("reporting_units") < 0) return words(column, code, plan.ui);
    units = plan.read("reporting_units");
    row = units.ids.map(String).indexOf(String(code));
    return row < 0 ? String(code) : plan.title(units, row);
  }

  /* Kind of thing; beside it, where several of one kind share a name, the county, or the id if that is shared too. */
  function where(entry, all) {
    var alike = all.filter(function (one) { return one[0] === entry[0] && one[2] === entry[2]; });
    if (alike.length < 2) return entry[5];
    var place = county(entry);
    var alone = place && alike.filter(function (one) { return county(one) === place; }).length === 1;
    return entry[5] + " " + (alone ? place : entry[4]);
  }

  var hits = [], active = -1;

  function close() { list.hidden = true; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); active = -1; }

  function choose(at) {
    var entry = hits[at];
    if (!entry) return;
    close();
    input.value = entry[2];
    plan.panel(false);
    if (plan.units[entry[0]]) { plan.groups[entry[0]].visitNamed(entry[1]); return; }
    plan.visit(entry[0], entry[1]);
    document.querySelector(".leaflet-popup-content").focus({ preventScroll: true });
  }

  function mark(at) {
    active = at;
    Array.prototype.forEach.call(list.querySelectorAll('[role="option"]'), function (option, i) {
      option.setAttribute("aria-selected", String(i === at));
      if (i === at) { input.setAttribute("aria-activedescendant", option.id); option.scrollIntoView({ block: "nearest" }); }
    });
  }

  function update() {
    var all = input.value.trim() ? plan.find(input.value, known()) : [];
    hits = all.slice(0, SEARCH_SHOWN);
    list.textContent = "";
    active = -1;
    hits.forEach(function (entry, at) {
      var option = node("li", { role: "option", id: "found-" + at, "aria-selected": "false" });
      option.appendChild(node("span", { "class": "what" }, entry[2]));
      option.appendChild(node("span", { "class": "where" }, where(entry, all)));
      option.addEventListener("mousedown", function (event) { event.preventDefault(); choose(at); });
      list.appendChild(option);
    });
    var said = !input.value.trim() ? "" : all.length ? plan.ui.found.replace("{n}", all.length) : plan.ui.not_found;
    if (said && (all.length > hits.length || !all.length)) list.appendChild(node("li", { "class": "note", role: "presentation" }, said));
    list.hidden = !said;
    input.setAttribute("aria-expanded", String(!list.hidden));
    plan.say(said);
  }

  input.addEventListener("input", update);
  input.addEventListener("focus", function () { if (input.value.trim()) update(); });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", function (event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (hits.length) mark((active + (event.key === "ArrowDown" ? 1 : hits.length - (active < 0 ? 0 : 1))) % hits.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (list.hidden) update();
      choose(active < 0 ? 0 : active);
    } else if (event.key === "Escape") { close(); }
  });
};

Plan.parts.push({ start: function (plan) { plan.search(); } });
