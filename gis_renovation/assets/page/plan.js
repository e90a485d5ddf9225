/* --- one layer ------------------------------------------------------------------------------ */

function Plan(map, settings) {
  this.map = map;
  this.settings = settings;
  this.ui = settings.ui;
  this.order = settings.order;
  this.groups = {};
  this.data = {};
  this.features = {};
  this.dense = settings.dense;
  this.labels_of = settings.labels;
  this.renderer = L.svg({ padding: 0.3 });
  this.home = L.latLngBounds(settings.bounds);
  this.selected = null;
  this.wanted = {};
  this.min_zoom = settings.min_zoom;
  this.end_zoom = settings.end_zoom;
  this.units = settings.units;
  this.bubble_layer = settings.bubble_layer;
  this.county = -1;  // all of them
  this.month = null;  // the last one
}

/* What stands on the page beside the map: each part adds itself to this list, is started with the page, and
   may keep something in the address: { key, start(plan), write(plan) -> text or null, read(plan, text) }. */
Plan.parts = [];

Plan.prototype.read = function (name) {
  if (!this.data[name]) {
    this.data[name] = block("layer-" + name);
  }
  return this.data[name];
};

/* A layer is built when it is first shown: a page of many layers opens as fast as its first view. */
var LazyGroup = L.FeatureGroup.extend({
  addTo: function () {
    this.plan.wanted[this.planName] = true;
    return this;
  },
  onAdd: function (map) {
    this.build();
    L.FeatureGroup.prototype.onAdd.call(this, map);
  },
  build: function () {
    var group = this, plan = group.plan, layer;
    if (plan.features[group.planName]) return;
    layer = plan.read(group.planName);
    plan.features[group.planName] = layer.ids.map(function (id, row) {
      var item = shape(layer, row, plan.renderer);
      item.plan = { name: group.planName, row: row };
      if (plan.has(layer, row)) group.addLayer(item);
      return item;
    });
  },
  /* Only what belongs to the chosen county stays on the map. */
  sift: function () {
    var group = this, plan = group.plan, layer = plan.read(group.planName);
    (plan.features[group.planName] || []).forEach(function (item, row) {
      var belongs = plan.has(layer, row);
      if (belongs !== group.hasLayer(item)) group[belongs ? "addLayer" : "removeLayer"](item);
    });
  },
  /* Every shape in the look of its class, as it is now. */
  repaint: function () {
    var plan = this.plan, layer = plan.read(this.planName), factor = thinner(256 * Math.pow(2, plan.map.getZoom()));
    (plan.features[this.planName] || []).forEach(function (item, row) {
      var symbol = layer.symbols[layer.cls[row]];
      if (item.setStyle) item.setStyle(pathOptions(symbol, { weight: symbol.width * factor }));
      else item.setIcon(markerIcon(symbol, symbol.markup));
    });
  }
});

Plan.prototype.layer = function (place) {
  var plan = this, name = plan.order[place], dense = plan.dense.indexOf(name) >= 0;
  if (plan.units[name]) return plan.tileLayer(place);
  var group = dense ? new DenseLayer({ zIndex: place + 1 }) : new LazyGroup();
  group.plan = plan;
  group.planName = name;
  plan.groups[name] = group;
  if (dense) return group;
  group.on("click", function (event) {
    var item = event.propagatedFrom || event.layer || event.sourceTarget;
    if (!item || !item.plan) return;
    L.DomEvent.stopPropagation(event);
    if (plan.tool) { plan.tool(event.latlng); return; }
    plan.open(item.plan.name, item.plan.row, event.latlng);
  });
  return group;
};

/* Wanted is what the reader ticked; drawn is what of it this zoom shows. */
Plan.prototype.show = function (name, visible) {
  this.wanted[name] = visible;
  var box = this.box(name), entry = box && box.closest ? box.closest(".entry") : null;
  if (box && box.checked !== visible) box.checked = visible;
  if (entry) entry.classList.toggle("off", !visible);
  if (entry && visible) entry.closest("details").open = true;
  this.apply();
  if (this.months_changed) this.months_changed();
  this.changed();
};

Plan.prototype.apply = function () {
  var plan = this, zoom = plan.map.getZoom(), added = false, compared = plan.pair ? plan.monthly().name : null;
  // Counts by area come and go with the layer they stand for.
  Object.keys(plan.units).forEach(function (name) { plan.wanted[plan.units[name]] = plan.wanted[name]; });
  function set(group, drawn) {
    if (drawn === plan.map.hasLayer(group)) return;
    if (drawn) { plan.map.addLayer(group); added = true; } else { plan.map.removeLayer(group); }
  }
  plan.order.forEach(function (name) {
    set(plan.groups[name], Boolean(plan.wanted[name]) && zoom >= plan.min_zoom[name] && !(zoom >= plan.end_zoom[name]) && name !== compared);
  });
  (plan.sides || []).forEach(function (side) { set(side.group, zoom >= plan.min_zoom[compared]); });
  if (added) plan.stack();
  plan.thin();
  plan.bubbles();
};

Plan.prototype.thin = function () {
  var plan = this, factor = thinner(256 * Math.pow(2, plan.map.getZoom()));
  plan.visible().forEach(function (name) {
    var group = plan.groups[name], layer = plan.read(name);
    if (!plan.features[name] || group.factor === factor) return;
    group.factor = factor;
    plan.features[name].forEach(function (item, row) {
      if (item.setStyle) item.setStyle({ weight: layer.symbols[layer.cls[row]].width * factor });
    });
  });
};

/* Far out, areas smaller than a finger become counts: every feature is in exactly one of them. */
Plan.prototype.bubbles = function () {
  var plan = this, map = plan.map;
  if (plan.crowd) { map.removeLayer(plan.crowd); plan.crowd = null; }
  var name = plan.bubble_layer;
  if (!name || !plan.wanted[name] || map.getZoom() >= plan.min_zoom[name]) return;
  var layer = plan.read(name), cells = {}, size = 64;
  layer.ids.forEach(function (id, row) {
    if (!plan.has(layer, row)) return;
    var at = map.project(plan.centres(layer).at(row), map.getZoom()), key = Math.floor(at.x / size) + ":" + Math.floor(at.y / size);
    var cell = cells[key] || (cells[key] = { n: 0, x: 0, y: 0 });
    cell.n += 1; cell.x += at.x; cell.y += at.y;
  });
  function side(cell) { return Math.round(Math.min(60, 22 + 5 * Math.sqrt(cell.n))); }
  var kept = [];
  Object.keys(cells).sort(function (a, b) { return cells[b].n - cells[a].n || (a < b ? -1 : 1); }).forEach(function (key) {
    var cell = cells[key], near = null;
    kept.forEach(function (other) {
      var gap = Math.hypot(cell.x / cell.n - other.x / other.n, cell.y / cell.n - other.y / other.n);
      if (!near && gap < (side(cell) + side(other)) / 2) near = other;
    });
    if (near) { near.n += cell.n; near.x += cell.x; near.y += cell.y; } else { kept.push(cell); }
  });
  plan.crowd = L.layerGroup(kept.map(function (cell) {
    var spot = map.unproject([cell.x / cell.n, cell.y / cell.n], map.getZoom());
    var text = plan.ui.bubble.replace("{n}", cell.n).replace("{layer}", layer.label);
    var marker = L.marker(spot, { icon: L.divIcon({ className: "bubble", html: String(cell.n), iconSize: [side(cell), side(cell)] }), title: text, alt: text });
    marker.on("click keypress", function (event) {
      if (event.type === "keypress" && event.originalEvent.key !== "Enter") return;
      map.setView(spot, Math.min(plan.min_zoom[name], map.getZoom() + 2), { animate: false });
    });
    return marker;
  })).addTo(map);
};

/* The middle of every feature: the mean corner of its first part. Plain numbers, as there may be ten thousand. */
function Centres(layer) {
  this.lat = [];
  this.lng = [];
  for (var row = 0; row < layer.geometry.length; row += 1) this.place(layer.geometry[row], layer.origin, row);
}

Centres.prototype.place = function (geometry, origin, row) {
  var part = firstFlat(geometry);
  for (var i = 0, x = origin[0], y = origin[1], lng = 0, lat = 0; i < part.length; i += 2) {
    x += part[i]; y += part[i + 1];
    lng += x; lat += y;
  }
  this.lat[row] = lat / part.length / 5e5;
  this.lng[row] = lng / part.length / 5e5;
};

Centres.prototype.at = function (row) { return L.latLng(this.lat[row], this.lng[row]); };

/* A test of rows: whose middle lies in `bounds`. */
Centres.prototype.inside = function (bounds) {
  var lat = this.lat, lng = this.lng, south = bounds.getSouth(), north = bounds.getNorth(), west = bounds.getWest(), east = bounds.getEast();
  return function (row) { return lat[row] >= south && lat[row] <= north && lng[row] >= west && lng[row] <= east; };
};

Plan.prototype.centres = function (layer) {
  if (!layer.centres) layer.centres = new Centres(layer);
  return layer.centres;
};

Plan.prototype.box = function (name) {
  return Array.prototype.filter.call(document.querySelectorAll("input[data-layer]"), function (box) {
    return box.getAttribute("data-layer") === name;
  })[0];
};

/* Layers switched on later still lie in the order of the style table. */
Plan.prototype.stack = function () {
  var plan = this;
  plan.order.forEach(function (name) {
    var group = plan.groups[name];
    if (group && group.eachLayer && plan.map.hasLayer(group)) {
      group.eachLayer(function (item) { if (item.bringToFront) item.bringToFront(); });
    }
  });
};

/* One feature as a shape of the map library, whether it is drawn as one or painted. */
Plan.prototype.item = function (name, row) {
  var group = this.groups[name];
  group.build();
  return this.features[name] ? this.features[name][row] : shape(this.read(name), row, this.renderer);
};

/* A click beside every separate shape may still be on a painted one. */
Plan.prototype.touch = function (latlng) {
  var plan = this;
  if (plan.tool) { plan.tool(latlng); return; }
  plan.visible().slice().reverse().some(function (name) {
    var row = plan.groups[name].hit ? plan.groups[name].hit(latlng, plan.map.getZoom()) : -1;
    if (row >= 0) plan.open(name, row, latlng);
    return row >= 0;
  });
};

Plan.prototype.visible = function () {
  var plan = this;
  return plan.order.filter(function (name) { return plan.map.hasLayer(plan.groups[name]); });
};

Plan.prototype.on = function () {
  var plan = this;
  return plan.order.filter(function (name) { return plan.wanted[name] && !plan.end_zoom[name]; });
};
