/* --- names on the map ------------------------------------------------------------------------ */

var LABEL_LIMIT = 180;

/* What a name says: short enough to stand on a map; of a rate its value. */
Plan.prototype.name_of = function (layer, row) {
  var column = layer.columns[layer.label_column], text = cell(column, row);
  if (layer.rates) text = text === null || text === "" ? this.ui.unknown : words(column, text, this.ui);
  if (text === null || text === "") return "";
  return String(text).length > 18 ? String(text).slice(0, 17) + "…" : String(text);
};

/* The names that find room in `bounds` at `zoom`, the most important first; `at` gives the place in pixels. */
Plan.prototype.names_in = function (bounds, zoom, at) {
  var plan = this, taken = [], found = [], size = document.body.classList.contains("large") ? 1.3 : 1;
  var south = bounds.getSouth(), north = bounds.getNorth(), west = bounds.getWest(), east = bounds.getEast();
  function room(layer, spot, text, drop) {
    var wide = 0;
    for (var i = 0; i < text.length; i += 1) wide += (text.charCodeAt(i) > 255 ? 1 : 0.56) * layer.label_size * size;
    var half = wide / 2 + 3, high = layer.label_size * size * 0.8, box = [spot.x - half, spot.y - high + drop, spot.x + half, spot.y + high + drop];
    var free = taken.every(function (o) { return o[2] < box[0] || o[0] > box[2] || o[3] < box[1] || o[1] > box[3]; });
    if (free) taken.push(box);
    return free;
  }
  plan.visible().slice().reverse().sort(function (a, b) { return plan.read(b).label_rank - plan.read(a).label_rank; }).forEach(function (name) {
    var layer = plan.read(name), seen = {}, drop = (layer.kind === "point" ? 15 : layer.rates ? 30 : 0) * size;
    if (!layer.columns[layer.label_column] || zoom < layer.label_zoom || zoom >= layer.label_end_zoom) return;
    for (var row = 0; 2 * row < layer.label_steps.length && found.length < LABEL_LIMIT; row += 1) {
      var part = firstFlat(layer.geometry[row]);
      var lat = (layer.origin[1] + part[1] + layer.label_steps[2 * row + 1]) / 1e6, lng = (layer.origin[0] + part[0] + layer.label_steps[2 * row]) / 1e6;
      if (lat < south || lat > north || lng < west || lng > east || !plan.has(layer, row)) continue;
      var spot = L.latLng(lat, lng);
      var text = plan.name_of(layer, row);
      if (!text || (layer.kind === "line" && seen[text]) || !room(layer, at(spot), text, drop)) continue;
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
