/* --- names on the map ------------------------------------------------------------------------ */

var LABEL_LIMIT = 180;

/* What a name says: short enough to stand on a map; of a rate its value. */
Plan.prototype.name_of = function (layer, row) {
  var column = layer.columns[layer.label_column], text = cell(column, row);
  if (layer.rates) text = text === null || text === "" ? this.ui.unknown : words(column, text, this.ui);
  if (text === null || text === "") return "";
  return String(text).length > 18 ? String(text).slice(0, 17) + "…" : String(text);
};

/* The sheet on which names find room: each takes a box, and none may touch another's. */
function Room(size) {
  this.size = size;
  this.taken = [];
}

Room.prototype.take = function (layer, spot, text, drop) {
  for (var wide = 0, i = 0; i < text.length; i += 1) wide += (text.charCodeAt(i) > 255 ? 1 : 0.56) * layer.label_size * this.size;
  var half = wide / 2 + 3, high = layer.label_size * this.size * 0.8, box = [spot.x - half, spot.y - high + drop, spot.x + half, spot.y + high + drop];
  var free = this.taken.every(function (o) { return o[2] < box[0] || o[0] > box[2] || o[3] < box[1] || o[1] > box[3]; });
  if (free) this.taken.push(box);
  return free;
};

/* Where the name of one feature stands. */
function namePlace(layer, row) {
  var part = firstFlat(layer.geometry[row]), steps = layer.label_steps;
  return { lat: (layer.origin[1] + part[1] + steps[2 * row + 1]) / 1e6, lng: (layer.origin[0] + part[0] + steps[2 * row]) / 1e6 };
}

/* A test of places: whether one lies in `bounds`. */
function insideOf(bounds) {
  var south = bounds.getSouth(), north = bounds.getNorth(), west = bounds.getWest(), east = bounds.getEast();
  return function (place) { return place.lat >= south && place.lat <= north && place.lng >= west && place.lng <= east; };
}

/* Whether the features of a layer have their names written at a zoom. */
function namedAt(layer, zoom) { return layer.columns[layer.label_column] && zoom >= layer.label_zoom && zoom < layer.label_end_zoom; }

/* How far below its place a name stands, so that it covers no sign. */
function nameDrop(layer) { return layer.kind === "point" ? 15 : layer.rates ? 30 : 0; }

/* The names that find room in `bounds` at `zoom`, the most important first; `at` gives the place in pixels. */
Plan.prototype.names_in = function (bounds, zoom, at) {
  var plan = this, found = [], room = new Room(document.body.classList.contains("large") ? 1.3 : 1), inside = insideOf(bounds);
  plan.visible().slice().reverse().sort(function (a, b) { return plan.read(b).label_rank - plan.read(a).label_rank; }).forEach(function (name) {
    var layer = plan.read(name), seen = {}, drop = nameDrop(layer) * room.size;
    if (!namedAt(layer, zoom)) return;
    for (var row = 0; 2 * row < layer.label_steps.length && found.length < LABEL_LIMIT; row += 1) {
      var place = namePlace(layer, row);
      if (!inside(place) || !plan.has(layer, row)) continue;
      var spot = L.latLng(place.lat, place.lng), text = plan.name_of(layer, row);
      if (!text || (layer.kind === "line" && seen[text]) || !room.take(layer, at(spot), text, drop)) continue;
      seen[text] = true;
      found.push({ text: text, kind: layer.label_class, place: spot, drop: drop });
    }
  });
  return found;
};

Plan.prototype.labels = function () {
  var map = this.map, pane = map.getPane("names"), switched = document.getElementById("show-names");
  pane.textContent = "";
  if (switched && !switched.checked) return;
  this.names_in(map.getBounds(), map.getZoom(), function (place) { return map.latLngToContainerPoint(place); }).forEach(function (name) {
    var tag = node("span", { "class": "name " + name.kind, "aria-hidden": "true" }, name.text);
    L.DomUtil.setPosition(tag, map.latLngToLayerPoint(name.place).add([0, name.drop]));
    pane.appendChild(tag);
  });
};
