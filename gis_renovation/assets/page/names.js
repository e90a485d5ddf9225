/* --- names on the map ------------------------------------------------------------------------ */

var LABEL_LIMIT = 180;

Plan.prototype.labels = function () {
  var plan = this, map = plan.map, pane = map.getPane("names");
  pane.textContent = "";
  var zoom = map.getZoom(), bounds = map.getBounds(), taken = [], drawn = 0, switched = document.getElementById("show-names");
  if (switched && !switched.checked) return;
  plan.visible().slice().reverse().sort(function (a, b) {
    return plan.read(b).label_rank - plan.read(a).label_rank;
  }).forEach(function (name) {
    var layer = plan.read(name), column = layer.columns[layer.label_column];
    if (!column || zoom < layer.label_zoom || zoom >= layer.label_end_zoom) return;
    if (!layer.spots) layer.spots = layer.label_points.map(function (spot) { return L.latLng(positions(spot, layer.origin)[0]); });
    var seen = {};
    for (var row = 0; row < layer.spots.length && drawn < LABEL_LIMIT; row += 1) {
      if (!bounds.contains(layer.spots[row]) || !plan.has(layer, row)) continue;
      var text = cell(column, row);
      if (layer.rates) text = text === null || text === "" ? plan.ui.unknown : words(column, text, plan.ui);
      if (text === null || text === "") continue;
      text = String(text).length > 18 ? String(text).slice(0, 17) + "…" : String(text);
      var spot = map.latLngToContainerPoint(layer.spots[row]);
      if (layer.kind === "line" && seen[text]) continue;
      var wide = 0;
      for (var i = 0; i < text.length; i += 1) wide += text.charCodeAt(i) > 255 ? layer.label_size : layer.label_size * 0.56;
      var drop = layer.kind === "point" ? 15 : layer.rates ? 30 : 0, half = wide / 2 + 3, high = layer.label_size * 0.8;
      var frame = [spot.x - half, spot.y - high + drop, spot.x + half, spot.y + high + drop];
      var free = taken.every(function (o) { return o[2] < frame[0] || o[0] > frame[2] || o[3] < frame[1] || o[1] > frame[3]; });
      if (!free) continue;
      taken.push(frame);
      seen[text] = true;
      drawn += 1;
      var tag = node("span", { "class": "name " + layer.label_class, "aria-hidden": "true" }, text);
      L.DomUtil.setPosition(tag, map.latLngToLayerPoint(layer.spots[row]).add([0, drop]));
      pane.appendChild(tag);
    }
  });
};
