/* --- cards ---------------------------------------------------------------------------------- */

Plan.prototype.title = function (layer, row) {
  var column = layer.columns[layer.title];
  var value = column ? cell(column, row) : null;
  return value === null || value === undefined ? String(layer.ids[row]) : words(column, value, this.ui);
};

/* A value as it stood at the end of the chosen month, where it changes with the works. */
Plan.prototype.value = function (column, row) {
  if (!column.monthly || !this.month) return cell(column, row);
  var at = column.monthly.rows[this.month_at()][row];
  return at < 0 ? null : column.monthly.values[at];
};

Plan.prototype.facts = function (columns, row, skip) {
  var plan = this, list = node("dl", { "class": "facts" });
  columns.forEach(function (column, at) {
    var value = plan.value(column, row);
    if (at === skip || value === "" || column.marks) return;  // what does not apply is no fact, a mark stands at its number
    var long = typeof value === "string" && !column.labels && value.length > 24;
    var pair = node("div", long ? { "class": "long" } : {});
    pair.appendChild(node("dt", {}, column.label));
    pair.appendChild(node("dd", value === null ? { "class": "unknown" } : {}, told(column, row, value, plan.ui)));
    list.appendChild(pair);
  });
  return list;
};

Plan.prototype.table = function (columns, rows) {
  var plan = this, table = node("table"), head = node("tr");
  columns.forEach(function (column) { head.appendChild(node("th", { scope: "col" }, column.label)); });
  table.appendChild(node("thead")).appendChild(head);
  var body = table.appendChild(node("tbody"));
  rows.forEach(function (row) {
    var line = body.appendChild(node("tr"));
    columns.forEach(function (column) {
      var value = plan.value(column, row);
      line.appendChild(node("td", value === null ? { "class": "unknown" } : {}, told(column, row, value, plan.ui)));
    });
  });
  return table;
};

/* The page of one feature beside the map, if the edition has one. */
Plan.prototype.page = function (layer, row) {
  if (!this.pages) {
    var block = document.getElementById("pages");
    this.pages = block ? JSON.parse(block.textContent) : {};
  }
  var own = this.pages[layer.source];
  return own ? own[String(layer.ids[row])] : undefined;
};

/* Photos of one feature, before and after; they are fetched when the card opens. */
Plan.prototype.photos = function (layer, row) {
  if (!this.pictures) {
    var block = document.getElementById("photos");
    this.pictures = block ? JSON.parse(block.textContent) : {};
  }
  var own = (this.pictures[layer.source] || {})[String(layer.ids[row])];
  if (!own) return null;
  var box = node("div", { "class": "photos" });
  own.forEach(function (photo) {
    var figure = box.appendChild(node("figure"));
    figure.appendChild(node("img", { src: photo.src, width: photo.width, height: photo.height, alt: photo.alt, loading: "lazy" }));
    figure.appendChild(node("figcaption", {}, photo.caption));
  });
  return box;
};

Plan.prototype.card = function (name, row) {
  var plan = this, layer = plan.read(name);
  var card = node("article", { "class": "card", "data-layer": name, "data-id": String(layer.ids[row]) });
  var head = card.appendChild(node("header"));
  var kind = head.appendChild(node("p", { "class": "kind" }));
  kind.appendChild(node("span", {}, layer.label));
  if (layer.classes.length > 1 && layer.class_labels[layer.cls[row]]) {
    kind.appendChild(node("span", { "class": "class" }, layer.class_labels[layer.cls[row]]));
  }
  if (plan.month && layer.columns.some(function (column) { return column.monthly; })) kind.appendChild(node("span", {}, plan.month));
  head.appendChild(node("h2", {}, plan.title(layer, row)));
  if (layer.columns[layer.title]) head.appendChild(node("p", { "class": "id" }, layer.key_label + " " + layer.ids[row]));
  var page = plan.page(layer, row);
  if (page) card.appendChild(node("p", { "class": "own-page" })).appendChild(node("a", { href: page }, plan.ui.own_page));
  var photos = plan.photos(layer, row);
  if (photos) card.appendChild(photos);
  card.appendChild(plan.facts(layer.columns, row, layer.title));
  (layer.related || []).forEach(function (related) {
    var rows = related.rows_of[row];
    if (!rows || !rows.length) return;
    var part = card.appendChild(node("section"));
    var title = part.appendChild(node("h3", {}, related.label)), monthly = related.columns.some(function (column) { return column.monthly; });
    if (plan.month) title.appendChild(node("small", {}, " " + (monthly ? plan.month : plan.settings.as_of)));
    if (related.single) {
      part.appendChild(plan.facts(related.columns, rows[0], -1));
    } else {
      var box = part.appendChild(node("div", { "class": "wide", tabindex: "0", role: "region", "aria-label": related.label }));
      box.appendChild(plan.table(related.columns, rows));
    }
  });
  return card;
};

/* How many pixels of the map's foot lie under the bar of months or the table. */
Plan.prototype.covered = function () {
  var bottom = this.map.getContainer().getBoundingClientRect().bottom;
  return ["months", "sheet"].reduce(function (most, id) {
    var part = document.getElementById(id), box = part && !part.hidden ? part.getBoundingClientRect() : null;
    return box && box.height ? Math.max(most, Math.round(bottom - box.top)) : most;
  }, 0);
};

Plan.prototype.open = function (name, row, at) {
  var plan = this, layer = plan.read(name);
  plan.show(name, true);
  var item = plan.item(name, row);
  var spot = at || (item.getBounds ? item.getBounds().getCenter() : item.getLatLng());
  var small = plan.map.getSize().x < 620;
  plan.map.closePopup();
  plan.selected = { name: name, id: String(layer.ids[row]) };
  var foot = plan.covered(), high = plan.map.getSize().y;
  plan.popup = L.popup({ maxWidth: small ? plan.map.getSize().x - 48 : 380, minWidth: small ? 240 : 300,
    maxHeight: Math.max(120, Math.round(Math.min(high * (small ? 0.5 : 0.66), high - foot - 70))),
    autoPanPaddingTopLeft: [18, 18], autoPanPaddingBottomRight: [small ? 18 : 64, 18 + foot] })
    .setLatLng(spot).setContent(plan.card(name, row)).openOn(plan.map);
  var content = document.querySelector(".leaflet-popup-content");
  [["tabindex", "0"], ["role", "region"], ["aria-label", plan.title(layer, row)]].forEach(function (pair) { content.setAttribute(pair[0], pair[1]); });
  content.addEventListener("keydown", function (event) {
    if (event.key !== "Escape") return;
    plan.map.closePopup();
    plan.map.getContainer().focus({ preventScroll: true });
  });
  plan.highlight(item);
  if (plan.follow) plan.follow();
  plan.changed();
};

/* The open card once more in its place, with what it says now. */
Plan.prototype.redeal = function () {
  var selected = this.selected, row = selected ? this.read(selected.name).ids.map(String).indexOf(selected.id) : -1;
  if (row >= 0 && this.popup) this.popup.setContent(this.card(selected.name, row));
};

/* The open card once more, made to fit the map's new size. */
Plan.prototype.refit = function () {
  var selected = this.selected, row = selected ? this.read(selected.name).ids.map(String).indexOf(selected.id) : -1;
  if (row >= 0) this.open(selected.name, row, this.popup.getLatLng());
};

Plan.prototype.highlight = function (item) {
  if (this.mark) { this.map.removeLayer(this.mark); this.mark = null; }
  if (!item || !item.getLatLngs) return;
  var options = { renderer: this.renderer, interactive: false, color: "#0b3d63", weight: 4, opacity: 0.95, fill: false };
  this.mark = (item instanceof L.Polygon ? L.polygon : L.polyline)(item.getLatLngs(), options).addTo(this.map);
};

/* Fly to one feature and open its card: from search, from the table, from a link. */
Plan.prototype.visit = function (name, row) {
  if (!this.has(this.read(name), row)) this.choose(-1, { move: false });
  this.show(name, true);
  var item = this.item(name, row);
  if (item.getBounds) {
    this.map.fitBounds(item.getBounds().pad(0.6), { maxZoom: 16, animate: false });
  } else {
    this.map.setView(item.getLatLng(), Math.max(this.map.getZoom(), 16), { animate: false });
  }
  this.open(name, row, null);
};

/* Read last: a card opens on the layers and the month that stand by then. */
Plan.parts.push({
  key: "at",
  write: function (plan) { return plan.selected ? encodeURIComponent(plan.selected.name + ":" + plan.selected.id) : null; },
  read: function (plan, text) {
    var at = decodeURIComponent(text), name = at.slice(0, at.indexOf(":")), id = at.slice(at.indexOf(":") + 1);
    var row = plan.order.indexOf(name) < 0 ? -1 : plan.read(name).ids.map(String).indexOf(id);
    if (row >= 0) { plan.open(name, row, null); } else if (plan.units[name]) { plan.groups[name].asked = id; plan.groups[name].answer(); }
  }
});
