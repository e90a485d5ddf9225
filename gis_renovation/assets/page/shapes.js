/* --- shapes --------------------------------------------------------------------------------- */

function positions(flat, origin) {
  var out = [], x = origin[0], y = origin[1];
  for (var i = 0; i < flat.length; i += 2) {
    x += flat[i];
    y += flat[i + 1];
    out.push([y / 1e6, x / 1e6]);
  }
  return out;
}

/* The first flat list of steps under a geometry. */
function firstFlat(part) {
  while (Array.isArray(part[0])) part = part[0];
  return part;
}

function pathOptions(symbol, extra) {
  return Object.assign({
    color: symbol.stroke, opacity: symbol.stroke_opacity, weight: symbol.width,
    dashArray: symbol.dash.length ? symbol.dash.join(" ") : null,
    fillColor: symbol.fill, fillOpacity: symbol.fill_opacity, lineJoin: "round",
    lineCap: symbol.dash.length ? "butt" : "round"
  }, extra);
}

function markerIcon(symbol, markup) {
  var side = symbol.size + 4;
  return L.divIcon({ className: "mark", html: markup, iconSize: [side, side], iconAnchor: [side / 2, side / 2] });
}

function shape(layer, row, renderer) {
  var kind = layer.kinds ? layer.kinds[row] : layer.kind;
  var symbol = layer.symbols[layer.cls[row]];
  var geometry = layer.geometry[row];
  if (kind === "polygon") {
    return L.polygon((Array.isArray(geometry[0]) ? geometry : [[geometry]]).map(function (rings) {
      return rings.map(function (ring) { return positions(ring, layer.origin); });
    }), pathOptions(symbol, { renderer: renderer, smoothFactor: 0.6 }));
  }
  if (kind === "line") {
    return L.polyline(geometry.map(function (part) { return positions(part, layer.origin); }),
      pathOptions(symbol, { renderer: renderer, fill: false, smoothFactor: 0.6 }));
  }
  var spots = positions(geometry, layer.origin);
  if (symbol.size < 8) {
    return L.circleMarker(spots[0], pathOptions(symbol, { renderer: renderer, radius: symbol.size / 2 }));
  }
  return L.marker(spots[0], { icon: markerIcon(symbol, symbol.markup), keyboard: false });
}
