/* --- the same as a table ---------------------------------------------------------------------- */

var PAGE_ROWS = 100;

/* The table of one layer at a time: its rows as they are filtered and sorted, and which page of them is shown. */
function Table(plan, panel) {
  this.plan = plan;
  this.panel = panel;
  this.head = panel.querySelector("thead");
  this.body = panel.querySelector("tbody");
  this.button = document.getElementById("table-button");
  this.pick = document.getElementById("sheet-layer");
  this.filter = document.getElementById("sheet-filter");
  this.in_view = document.getElementById("sheet-view");
  this.count = document.getElementById("sheet-count");
  this.before = document.getElementById("sheet-before");
  this.after = document.getElementById("sheet-after");
  this.rows = [];
  this.reset();
}

/* The first page, by id. */
Table.prototype.reset = function () { this.sort = { column: -1, down: false }; this.page = 0; };

Table.prototype.layer = function () { return this.plan.read(this.pick.value); };

/* The group of the layer that is listed, where its features come from tiles. */
Table.prototype.tiled = function () {
  var name = this.pick.value;
  return this.plan.units[name] ? this.plan.groups[name] : null;
};

Table.prototype.matches = function (layer, row, query) {
  var plan = this.plan;
  if (String(layer.ids[row]).toLowerCase().indexOf(query) >= 0) return true;
  if (/^[a-z0-9]+$/.test(query) && initialsAt(plan.initials()(plan.title(layer, row)), query) >= 0) return true;
  return layer.columns.some(function (column) {
    var value = plan.value(column, row);
    return value !== null && words(column, value, plan.ui).toLowerCase().indexOf(query) >= 0;
  });
};

/* The order of two values, unknown ones (null) last whichever way it goes. */
function valueOrder(x, y, way) {
  if (x === null || y === null) return (x === null ? 1 : 0) - (y === null ? 1 : 0);
  if (typeof x === "number" && typeof y === "number") return way * (x - y);
  return way * String(x).localeCompare(String(y), "zh-CN");
}

Table.prototype.order = function (layer) {
  var plan = this.plan, at = this.sort.column, column = layer.columns[at], way = this.sort.down ? -1 : 1;
  function key(row) {
    var value = at < 0 ? layer.ids[row] : plan.value(column, row);
    return value === "" ? null : value;
  }
  return function (a, b) { return valueOrder(key(a), key(b), way) || a - b; };
};

Table.prototype.header = function (layer) {
  var table = this, line;
  this.head.textContent = "";
  line = this.head.appendChild(node("tr"));
  [{ label: layer.key_label || "id", at: -1 }].concat(layer.columns.map(function (column, at) {
    return { label: column.label, at: at };
  })).forEach(function (item) {
    var th = line.appendChild(node("th", { scope: "col" }));
    if (table.sort.column === item.at) th.setAttribute("aria-sort", table.sort.down ? "descending" : "ascending");
    th.appendChild(node("button", { type: "button" }, item.label)).addEventListener("click", function () { table.sort_by(item.at); });
  });
};

Table.prototype.sort_by = function (at) {
  this.sort = { column: at, down: this.sort.column === at ? !this.sort.down : false };
  this.fill();
  this.head.querySelectorAll("button")[at + 1].focus();
};

/* The rows that fit the filter, the view and the county, in their order. */
Table.prototype.listed = function (layer) {
  var table = this, plan = this.plan, query = this.filter.value.trim().toLowerCase(), bounds = plan.map.getBounds(), tiled = this.tiled();
  var rows = tiled ? tiled.listed(bounds) : layer.ids.map(function (id, row) { return row; }), within = plan.centres(layer).inside(bounds);
  return rows.filter(function (row) {
    return plan.has(layer, row) && (!query || table.matches(layer, row, query)) && (!table.in_view.checked || within(row));
  }).sort(this.order(layer));
};

Table.prototype.fill = function () {
  var table = this, layer;
  if (this.panel.hidden) return;
  layer = this.layer();
  this.rows = this.listed(layer);
  this.header(layer);
  this.page = Math.max(0, Math.min(this.page, Math.ceil(this.rows.length / PAGE_ROWS) - 1));
  this.body.textContent = "";
  this.rows.slice(this.page * PAGE_ROWS, (this.page + 1) * PAGE_ROWS).forEach(function (row) { table.body.appendChild(table.line(layer, row)); });
  this.tell(layer);
  this.follow_line();
};

Table.prototype.line = function (layer, row) {
  var plan = this.plan, name = this.pick.value, line = node("tr", { "data-row": row }), key = line.appendChild(node("th", { scope: "row" }));
  key.appendChild(node("button", { type: "button", "class": "link" }, layer.ids[row])).addEventListener("click", function () { plan.visit(name, row); });
  layer.columns.forEach(function (column) {
    var value = plan.value(column, row);
    line.appendChild(node("td", { "class": (value === null ? "unknown" : "") + (typeof value === "number" && !column.labels ? " number" : "") }, told(column, row, value, plan.ui)));
  });
  return line;
};

/* How many rows there are, and which of them are shown. */
Table.prototype.tell = function (layer) {
  var ui = this.plan.ui, n = this.rows.length, from = n ? this.page * PAGE_ROWS + 1 : 0, to = Math.min(n, (this.page + 1) * PAGE_ROWS), tiled = this.tiled();
  var text = n ? ui.rows.replace("{from}", from).replace("{to}", to).replace("{n}", n).replace("{all}", layer.count) : ui.rows_none.replace("{all}", layer.count);
  this.count.textContent = tiled ? text + "；" + tiled.listedNote() : text;
  this.before.disabled = this.page === 0;
  this.after.disabled = to >= n;
  this.plan.say(this.count.textContent);
};

/* The row of the open card is marked and seen. */
Table.prototype.follow_line = function () {
  var selected = this.plan.selected, layer = this.layer(), mine = selected && selected.name === this.pick.value;
  Array.prototype.forEach.call(this.body.children, function (line) {
    var on = Boolean(mine && String(layer.ids[Number(line.getAttribute("data-row"))]) === selected.id);
    line.classList.toggle("selected", on);
    if (on) line.scrollIntoView({ block: "nearest" });
  });
};

/* The layer, the page and the row of the open card. */
Table.prototype.follow = function () {
  var selected = this.plan.selected;
  if (this.panel.hidden || !selected) return;
  if (this.pick.value !== selected.name) { this.pick.value = selected.name; this.reset(); this.fill(); }
  var place = this.rows.indexOf(this.layer().ids.map(String).indexOf(selected.id)), page = Math.floor(place / PAGE_ROWS);
  if (place >= 0 && page !== this.page) { this.page = page; this.fill(); }
  this.follow_line();
};

Table.prototype.toggle = function (open) {
  this.panel.hidden = !open;
  this.button.setAttribute("aria-expanded", String(open));
  this.button.setAttribute("aria-pressed", String(open));
  document.body.classList.toggle("sheet-open", open);
  this.plan.map.invalidateSize({ animate: false });
  if (open) this.plan.refit();
  if (open) { this.fill(); this.follow(); this.filter.focus(); } else { this.button.focus(); }
};

/* --- out of the page as CSV --- */

/* A text in quotes; a sheet program must not take it for a formula. */
function quoted(text) { return '"' + (/^[=+\-@\t\r]/.test(text) ? "'" : "") + String(text).replace(/"/g, '""') + '"'; }

/* A value as a sheet program reads it: numbers bare, shares and codes as the page says them. */
function csvCell(column, value, ui) {
  if (value === null || value === undefined) return quoted(ui.unknown);
  return typeof value === "number" && !column.labels && !column.share ? String(value) : quoted(value === "" ? "" : words(column, value, ui));
}

/* The rows as listed, all pages of them, with the mark of UTF-8. */
Table.prototype.csv = function () {
  var plan = this.plan, layer = this.layer(), columns = layer.columns;
  var heads = columns.map(function (column) { return column.label + (column.unit ? " (" + column.unit + ")" : ""); });
  var lines = [[layer.key_label || "id"].concat(heads).map(quoted)].concat(this.rows.map(function (row) {
    return [quoted(layer.ids[row])].concat(columns.map(function (column) { return csvCell(column, plan.value(column, row), plan.ui); }));
  }));
  return "\ufeff" + lines.map(function (line) { return line.join(","); }).join("\r\n") + "\r\n";
};

Table.prototype.save = function () {
  var plan = this.plan, name = this.layer().name + "-" + (plan.month || plan.settings.as_of) + ".csv";
  var link = node("a", { href: URL.createObjectURL(new Blob([this.csv()], { type: "text/csv" })), download: name });
  link.click();
  setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
  plan.say(plan.ui.rows_saved.replace("{n}", this.rows.length));
};

/* Every control of the table, and what else fills it anew. */
Table.prototype.listen = function () {
  var table = this, plan = this.plan;
  function anew(page) { return function () { table.page = page(); table.fill(); }; }
  function first() { return 0; }
  this.button.addEventListener("click", function () { plan.panel(false); table.toggle(table.panel.hidden); });
  press("sheet-close", function () { table.toggle(false); });
  press("sheet-save", function () { table.save(); });
  this.panel.addEventListener("keydown", function (event) { if (event.key === "Escape") table.toggle(false); });
  this.pick.addEventListener("change", function () { table.reset(); table.fill(); });
  this.filter.addEventListener("input", anew(first));
  this.in_view.addEventListener("change", anew(first));
  this.before.addEventListener("click", anew(function () { return table.page - 1; }));
  this.after.addEventListener("click", anew(function () { return table.page + 1; }));
  plan.map.on("moveend", function () { if (table.in_view.checked || table.tiled()) table.fill(); });
  plan.refill = function (name) { if (!name || table.pick.value === name) table.fill(); };
  plan.follow = function () { table.follow(); };
};

Plan.parts.push({
  start: function (plan) {
    var panel = document.getElementById("sheet"), table;
    if (!panel || !document.getElementById("table-button")) return;
    table = new Table(plan, panel);
    plan.order.slice().reverse().forEach(function (name) { table.pick.appendChild(node("option", { value: name }, plan.labels_of[name])); });
    table.pick.value = plan.order.indexOf("communities") >= 0 ? "communities" : plan.order[plan.order.length - 1];
    table.listen();
  }
});
