/* --- basemaps: none unless the reader chooses one -------------------------------------------------
   Pictures drawn in GCJ-02 are moved to where they belong; the data stays where it is. */

var GCJ_AXIS = 6378245, GCJ_SQUARE = 0.00669342162296594323;

/* WGS 84 to GCJ-02, in degrees; the offset of Chinese consumer maps. */
function toGcj(place) {
  var x = place.lng - 105, y = place.lat - 35, pi = Math.PI, sin = Math.sin, root = Math.sqrt(Math.abs(x));
  var wave = (20 * sin(6 * x * pi) + 20 * sin(2 * x * pi)) * 2 / 3;
  var north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + wave +
    (20 * sin(y * pi) + 40 * sin(y / 3 * pi) + 160 * sin(y / 12 * pi) + 320 * sin(y * pi / 30)) * 2 / 3;
  var east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + wave +
    (20 * sin(x * pi) + 40 * sin(x / 3 * pi) + 150 * sin(x / 12 * pi) + 300 * sin(x / 30 * pi)) * 2 / 3;
  var phi = place.lat * pi / 180, magic = 1 - GCJ_SQUARE * sin(phi) * sin(phi), flat = Math.sqrt(magic);
  return L.latLng(place.lat + north * 180 * magic * flat / (GCJ_AXIS * (1 - GCJ_SQUARE) * pi),
    place.lng + east * 180 * flat / (GCJ_AXIS * Math.cos(phi) * pi));
}

/* And back, by repeated correction: to less than a millimetre after a few turns. */
function fromGcj(place) {
  var lat = place.lat, lng = place.lng;
  for (var turn = 0; turn < 8; turn += 1) {
    var there = toGcj({ lat: lat, lng: lng });
    lat += place.lat - there.lat;
    lng += place.lng - there.lng;
  }
  return L.latLng(lat, lng);
}

/* Every tile is placed by three of its corners, so it lies right at its edges and not only in the middle of the view. */
var ShiftedTiles = L.TileLayer.extend({
  _getTiledPixelBounds: function (centre) { return L.TileLayer.prototype._getTiledPixelBounds.call(this, toGcj(centre)); },
  _addTile: function (coords, container) {
    L.TileLayer.prototype._addTile.call(this, coords, container);
    var size = this.getTileSize().x, map = this._map, origin = this._level.origin;
    function corner(x, y) { return map.project(fromGcj(map.unproject(L.point(coords.x + x, coords.y + y).multiplyBy(size), coords.z)), coords.z).subtract(origin); }
    var at = corner(0, 0), right = corner(1, 0).subtract(at).divideBy(size), down = corner(0, 1).subtract(at).divideBy(size);
    var style = this._tiles[this._tileCoordsToKey(coords)].el.style, over = 1 + 0.3 / size;  // no gaps between turned pictures
    style.transformOrigin = "0 0";
    style.transform = "matrix(" + [right.x * over, right.y * over, down.x * over, down.y * over, at.x, at.y].join(",") + ")";
  }
});

function tileSheet(source, url, pane, map_zoom) {
  var options = { pane: pane, subdomains: source.subdomains, maxNativeZoom: source.max_zoom, maxZoom: map_zoom, attribution: source.attribution, crossOrigin: source.exportable ? "anonymous" : false };
  return new (source.gcj02 ? ShiftedTiles : L.TileLayer)(url, options);
}

Plan.prototype.base = function (at) {
  var plan = this, map = plan.map, source = plan.settings.basemaps[at], pick = document.getElementById("base"), labels = document.getElementById("base-labels");
  ["base_tiles", "base_names"].forEach(function (one) { if (plan[one]) map.removeLayer(plan[one]); plan[one] = null; });
  plan.base_at = source ? at : -1;
  plan.base_notes = source ? source.note : "";
  pick.value = source ? String(at) : "";
  document.getElementById("base-more").hidden = !source;
  labels.parentNode.hidden = !source || !source.labels;
  plan.point_at(null);
  plan.tell("");
  if (!source) return;
  plan.base_tiles = watched(tileSheet(source, source.url, "base", map.getMaxZoom()), function () {
    plan.base(-1);
    plan.tell(plan.ui.base_refused.replace("{name}", function () { return source.name; }));
    plan.changed();
  }).addTo(map);
  plan.base_labels();
};

Plan.prototype.base_labels = function () {
  var plan = this, source = plan.settings.basemaps[plan.base_at];
  if (plan.base_names) { plan.map.removeLayer(plan.base_names); plan.base_names = null; }
  if (!source || !source.labels || !document.getElementById("base-labels").checked) return;
  var names = plan.base_names = watched(tileSheet(source, source.labels, "base-labels", plan.map.getMaxZoom()), function () {
    if (plan.base_names !== names) return;  // the basemap itself was refused
    document.getElementById("base-labels").checked = false;
    plan.base_labels();
    plan.tell(plan.ui.labels_refused.replace("{name}", function () { return source.name; }));
  });
  names.addTo(plan.map);
};

/* A source that gives nothing says so once: a browser does not tell a page whether a key was refused. */
function watched(tiles, refused) {
  var faults = 0, loaded = 0, said = false;
  function judge(enough) {
    if (said || loaded || faults < enough) return;
    said = true;
    setTimeout(refused, 0);
  }
  tiles.on("tileload", function () { loaded += 1; });
  tiles.on("tileerror", function () { faults += 1; judge(3); });
  tiles.on("load", function () { judge(1); });
  return tiles;
}

/* Does the basemap lie where it should? The reader points at one thing twice: in the project's layers, in the basemap. */
Plan.prototype.check_base = function () {
  var plan = this, ui = plan.ui, first = null;
  plan.map.closePopup();
  if (!document.getElementById("measure").hidden) plan.measure.toggle(false);
  plan.panel(false);
  plan.tell(ui.check_first);
  plan.point_at(function (place) {
    if (!first) { first = place; plan.tell(ui.check_second); return; }
    plan.point_at(null);
    plan.tell(plan.offset_words(first, place));
  });
  plan.map.getContainer().focus({ preventScroll: true });
};

/* The offset in words, and what it means: nothing, the shift of GCJ-02 seen or undone in vain, or something else. */
Plan.prototype.offset_words = function (own, seen) {
  var ui = this.ui, source = this.settings.basemaps[this.base_at], east = geodesic(own, L.latLng(own.lat, seen.lng)) * Math.sign(seen.lng - own.lng);
  var north = geodesic(own, L.latLng(seen.lat, own.lng)) * Math.sign(seen.lat - own.lat), shift = toGcj(own), way = source.gcj02 ? -1 : 1;
  var east_gcj = geodesic(own, L.latLng(own.lat, shift.lng)), north_gcj = -geodesic(own, L.latLng(shift.lat, own.lng));
  if (shift.lat > own.lat) north_gcj = -north_gcj;
  var off = Math.hypot(east, north), from_gcj = Math.hypot(east - way * east_gcj, north - way * north_gcj);
  var said = ui.offset.replace("{m}", number(off, 0)).replace("{east}", number(east, 0)).replace("{north}", number(north, 0));
  return said + (off < 20 ? ui.offset_none : from_gcj < 60 ? (source.gcj02 ? ui.offset_not_gcj : ui.offset_gcj) : ui.offset_other);
};

Plan.parts.push({
  key: "base",
  start: function (plan) {
    var pick = document.getElementById("base");
    plan.base_at = -1;
    if (!pick) return;
    plan.map.createPane("base").style.zIndex = 150;
    var pane = plan.map.createPane("base-labels");
    pane.style.zIndex = 450;
    pane.style.pointerEvents = "none";
    plan.settings.basemaps.forEach(function (source, at) { pick.appendChild(node("option", { value: at }, source.name)); });
    pick.addEventListener("change", function () { plan.base(pick.value === "" ? -1 : Number(pick.value)); plan.changed(); });
    document.getElementById("base-labels").addEventListener("change", function () { plan.base_labels(); });
    press("base-check", function () { plan.check_base(); });
  },
  write: function (plan) { var source = plan.settings.basemaps[plan.base_at]; return source ? encodeURIComponent(source.id) : null; },
  read: function (plan, text) {
    var id = decodeURIComponent(text);
    plan.settings.basemaps.forEach(function (source, at) { if (source.id === id) plan.base(at); });
  }
});
