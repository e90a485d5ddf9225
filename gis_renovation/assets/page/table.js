/* --- the same as a table ---------------------------------------------------------------------- */

var PAGE_ROWS = 100;

Plan.prototype.sheet = function () {
  var plan = this, map = plan.map, panel = document.getElementById("sheet"), button = document.getElementById("table-button");
  if (!panel || !button) return;
  var pick = document.getElementById("sheet-layer"), filter = document.getElementById("sheet-filter");
  var inView = document.getElementById("sheet-view"), count = document.getElementById("sheet-count");
  var head = panel.querySelector("thead"), body = panel.querySelector("tbody"), sort = { column: -1, down: false }, page = 0, rows = [];
  var before = document.getElementById("sheet-before"), after = document.getElementById("sheet-after");
  plan.order.slice().reverse().forEach(function (name) { pick.appendChild(node("option", { value: name }, plan.labels_of[name])); });
  pick.value = plan.order.indexOf("communities") >= 0 ? "communities" : plan.order[plan.order.length - 1];

  function matches(layer, row, query) {
    if (String(layer.ids[row]).toLowerCase().indexOf(query) >= 0) return true;
    if (/^[a-z0-9]+$/.test(query) && initialsAt(plan.initials()(plan.title(layer, row)), query) >= 0) return true;
    return layer.columns.some(function (column) {
      var value = plan.value(column, row);
      return value !== null && words(column, value, plan.ui).toLowerCase().indexOf(query) >= 0;
    });
  }

  function compare(layer) {
    var column = layer.columns[sort.column], way = sort.down ? -1 : 1;
    function key(row) {
      var value = sort.column < 0 ? layer.ids[row] : plan.value(column, row);
      return value === "" ? null : value;
    }
    return function (a, b) {
      var x = key(a), y = key(b);
      if (x === null || y === null) return (x === null ? 1 : 0) - (y === null ? 1 : 0) || a - b;
      if (typeof x === "number" && typeof y === "number") return way * (x - y) || a - b;
      return way * String(x).localeCompare(String(y), "zh-CN") || a - b;
    };
  }

  function header(layer) {
    head.textContent = "";
    var line = head.appendChild(node("tr"));
    [{ label: layer.key_label || "id", at: -1 }].concat(layer.columns.map(function (column, at) {
      return { label: column.label, at: at };
    })).forEach(function (item) {
      var th = line.appendChild(node("th", { scope: "col" }));
      if (sort.column === item.at) th.setAttribute("aria-sort", sort.down ? "descending" : "ascending");
      th.appendChild(node("button", { type: "button" }, item.label)).addEventListener("click", function () {
        sort = { column: item.at, down: sort.column === item.at ? !sort.down : false };
        fill();
        head.querySelectorAll("button")[item.at + 1].focus();
      });
    });
  }

  function fill() {
    if (panel.hidden) return;
    var name = pick.value, layer = plan.read(name), query = filter.value.trim().toLowerCase(), bounds = map.getBounds();
    var tiled = plan.units[name] ? plan.groups[name] : null;
    rows = (tiled ? tiled.listed(bounds) : layer.ids.map(function (id, row) { return row; }));
    var within = plan.centres(layer).inside(bounds);
    rows = rows.filter(function (row) {
      return plan.has(layer, row) && (!query || matches(layer, row, query)) && (!inView.checked || within(row));
    }).sort(compare(layer));
    header(layer);
    page = Math.max(0, Math.min(page, Math.ceil(rows.length / PAGE_ROWS) - 1));
    body.textContent = "";
    rows.slice(page * PAGE_ROWS, (page + 1) * PAGE_ROWS).forEach(function (row) {
      var line = body.appendChild(node("tr", { "data-row": row }));
      var key = line.appendChild(node("th", { scope: "row" }));
      key.appendChild(node("button", { type: "button", "class": "link" }, layer.ids[row])).addEventListener("click", function () { plan.visit(name, row); });
      layer.columns.forEach(function (column) {
        var value = plan.value(column, row);
        line.appendChild(node("td", { "class": (value === null ? "unknown" : "") + (typeof value === "number" && !column.labels ? " number" : "") }, told(column, row, value, plan.ui)));
      });
    });
    var from = rows.length ? page * PAGE_ROWS + 1 : 0, to = Math.min(rows.length, (page + 1) * PAGE_ROWS);
    count.textContent = !rows.length ? plan.ui.rows_none.replace("{all}", layer.count) : plan.ui.rows.replace("{from}", from).replace("{to}", to).replace("{n}", rows.length).replace("{all}", layer.count);
    if (tiled) count.textContent += "；" + tiled.listedNote();
    before.disabled = page === 0;
    after.disabled = to >= rows.length;
    plan.say(count.textContent);
    follow();
  }

  /* The rows as listed, all pages of them, for Excel: with the mark of UTF-8, and no cell that starts a formula. */
  function save() {
    var layer = plan.read(pick.value), columns = layer.columns;
    function quoted(text) { return '"' + (/^[=+\-@\t\r]/.test(text) ? "'" : "") + String(text).replace(/"/g, '""') + '"'; }
    function entry(column, value) {
      if (value === null || value === undefined) return quoted(plan.ui.unknown);
      return typeof value === "number" && !column.labels && !column.share ? String(value) : quoted(value === "" ? "" : words(column, value, plan.ui));
    }
    var lines = [[layer.key_label || "id"].concat(columns.map(function (column) { return column.label + (column.unit ? " (" + column.unit + ")" : ""); })).map(quoted)];
    rows.forEach(function (row) {
      lines.push([quoted(layer.ids[row])].concat(columns.map(function (column) { return entry(column, plan.value(column, row)); })));
    });
    var text = "\ufeff" + lines.map(function (line) { return line.join(","); }).join("\r\n") + "\r\n";
    var link = node("a", { href: URL.createObjectURL(new Blob([text], { type: "text/csv" })), download: layer.name + "-" + (plan.month || plan.settings.as_of) + ".csv" });
    link.click();
    setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
    plan.say(plan.ui.rows_saved.replace("{n}", rows.length));
  }
  press("sheet-save", save);

  function follow() {
    Array.prototype.forEach.call(body.children, function (line) {
      var layer = plan.read(pick.value), mine = plan.selected && plan.selected.name === pick.value;
      var on = Boolean(mine && String(layer.ids[Number(line.getAttribute("data-row"))]) === plan.selected.id);
      line.classList.toggle("selected", on);
      if (on) line.scrollIntoView({ block: "nearest" });
    });
  }

  plan.follow = function () {
    if (panel.hidden || !plan.selected) return;
    if (pick.value !== plan.selected.name) { pick.value = plan.selected.name; sort = { column: -1, down: false }; page = 0; fill(); }
    var place = rows.indexOf(plan.read(pick.value).ids.map(String).indexOf(plan.selected.id));
    if (place >= 0 && Math.floor(place / PAGE_ROWS) !== page) { page = Math.floor(place / PAGE_ROWS); fill(); }
    follow();
  };

  function toggle(open) {
    panel.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    button.setAttribute("aria-pressed", String(open));
    document.body.classList.toggle("sheet-open", open);
    map.invalidateSize({ animate: false });
    if (open) plan.refit();
    if (open) { fill(); plan.follow(); filter.focus(); } else { button.focus(); }
  }
  button.addEventListener("click", function () { plan.panel(false); toggle(panel.hidden); });
  document.getElementById("sheet-close").addEventListener("click", function () { toggle(false); });
  panel.addEventListener("keydown", function (event) { if (event.key === "Escape") toggle(false); });
  pick.addEventListener("change", function () { sort = { column: -1, down: false }; page = 0; fill(); });
  filter.addEventListener("input", function () { page = 0; fill(); });
  inView.addEventListener("change", function () { page = 0; fill(); });
  before.addEventListener("click", function () { page -= 1; fill(); });
  after.addEventListener("click", function () { page += 1; fill(); });
  map.on("moveend", function () { if (inView.checked || plan.units[pick.value]) fill(); });
  plan.refill = function (name) { if (!name || pick.value === name) fill(); };
};

Plan.parts.push({ start: function (plan) { plan.sheet(); } });
