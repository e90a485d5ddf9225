/* --- very many shapes: drawn from vector tiles ----------------------------------------------------
   A layer of ten thousand to a million shapes lies in an archive of tiles. From the street zoom on the tiles of
   the view are read and every shape in them is drawn; further out the layer's counts by area stand for them.
   A shape that is pointed at, listed or found becomes a row of the layer's block, as if it had always stood there. */

var TILE_PIXELS = 512;

/* --- where the bytes are -------------------------------------------------------------------------- */

function bytesOf(base64) {
  var text = atob(base64), bytes = new Uint8Array(text.length);
  for (var i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/* In the page itself. */
function PageSource(element) { this.bytes = bytesOf(element.textContent); element.textContent = ""; }
PageSource.prototype.getKey = function () { return "page"; };
PageSource.prototype.getBytes = function (offset, length) {
  return Promise.resolve({ data: this.bytes.buffer.slice(offset, offset + length) });
};

/* In scripts beside the page: the only files that a page opened from a disk may read. Each is read when it is needed. */
function ScriptSource(tiles) { this.tiles = tiles; this.parts = {}; }
var waitingParts = {};
window.tilePart = function (file, part, base64) {
  var key = file + ":" + part;
  if (waitingParts[key]) waitingParts[key](bytesOf(base64));
};
ScriptSource.prototype.getKey = function () { return this.tiles.file + ".pm.js"; };
ScriptSource.prototype.part = function (at) {
  var source = this, tiles = this.tiles;
  if (!this.parts[at]) {
    this.parts[at] = new Promise(function (resolve, reject) {
      var script = document.createElement("script"), name = tiles.file + "." + String(at + 1000).slice(1) + ".pm.js";
      function failed() { delete source.parts[at]; reject(new Error(name)); }
      waitingParts[tiles.file + ":" + at] = resolve;
      script.src = tiles.folder + "/" + name;
      script.onload = function () { script.remove(); setTimeout(failed, 0); };
      script.onerror = failed;
      document.head.appendChild(script);
    });
  }
  return this.parts[at];
};
ScriptSource.prototype.getBytes = function (offset, length) {
  var size = this.tiles.part_bytes, wanted = [], end = Math.min(offset + length, this.tiles.bytes), first = Math.floor(offset / size);
  for (var at = first; at * size < end; at += 1) wanted.push(this.part(at));
  return Promise.all(wanted).then(function (parts) {
    var out = new Uint8Array(end - offset), place = 0;
    parts.forEach(function (part, i) {
      var piece = part.subarray(i === 0 ? offset - first * size : 0, Math.min(part.length, end - (first + i) * size));
      out.set(piece, place);
      place += piece.length;
    });
    return { data: out.buffer };
  });
};

/* Whether the host serves byte ranges is asked with the first seven bytes, which are the archive's mark. */
function openArchive(tiles, name) {
  var inline = document.getElementById("tiles-" + name), url = tiles.folder + "/" + tiles.file + ".pmtiles";
  if (inline) return Promise.resolve(new PageSource(inline));
  if (location.protocol === "file:") return Promise.resolve(new ScriptSource(tiles));
  return fetch(url, { headers: { Range: "bytes=0-6" } }).then(function (answer) {
    if (answer.status !== 206) { if (answer.body) answer.body.cancel(); throw new Error(String(answer.status)); }
    return answer.text();
  }).then(function (mark) {
    if (mark !== "PMTiles") throw new Error("mark");
    return new pmtiles.FetchSource(url);
  }).catch(function () { return new ScriptSource(tiles); });
}

/* --- drawing ---------------------------------------------------------------------------------------- */

/* Shapes of a class in common paths, none of them long: the first rule of a class draws them, the second ends the last. */
function classRules(label, symbol) {
  var trace = new ClassTrace(symbol);
  return [{ dataLayer: label, symbolizer: trace },
    { dataLayer: label, symbolizer: { before: function (ctx, z) { trace.finish(ctx, z); }, draw: function () {} }, filter: function () { return false; } }];
}

/* What of one class was drawn in a tile and not yet painted: an open path of a kind, and points. */
function ClassTrace(symbol) {
  this.symbol = symbol;
  this.begin();
}

ClassTrace.prototype.begin = function () { this.path = 0; this.open = 0; this.points = []; };

ClassTrace.prototype.before = function (ctx) { this.begin(); ctx.beginPath(); };

ClassTrace.prototype.draw = function (ctx, geometry, z, feature) {
  if (feature.geomType === 1) { this.collect(ctx, geometry); return; }
  this.path = feature.geomType;
  for (var i = 0; i < geometry.length; i += 1) {
    var part = geometry[i];
    ctx.moveTo(part[0].x, part[0].y);
    for (var j = 1; j < part.length; j += 1) ctx.lineTo(part[j].x, part[j].y);
    if (this.path === 3) ctx.closePath();
  }
  this.open += 1;
  if (this.open === PATH_SHAPES) this.flush(ctx, z);
};

ClassTrace.prototype.collect = function (ctx, geometry) {
  var m = ctx.getTransform(), ratio = m.a, points = this.points;
  geometry.forEach(function (part) { part.forEach(function (spot) { points.push({ x: spot.x + m.e / ratio, y: spot.y + m.f / ratio }); }); });
};

ClassTrace.prototype.flush = function (ctx, z) {
  var symbol = this.symbol;
  if (this.path) {
    ctx.fillStyle = symbol.fill; ctx.strokeStyle = symbol.stroke;
    ctx.lineJoin = "round"; ctx.setLineDash(symbol.dash);
    ctx.lineWidth = symbol.width * thinner(256 * Math.pow(2, z));
    if (this.path === 3 && symbol.fill_opacity > 0) { ctx.globalAlpha = symbol.fill_opacity; ctx.fill(); }
    ctx.globalAlpha = symbol.stroke_opacity; ctx.stroke();
    ctx.globalAlpha = 1;
    ctx.beginPath();
  }
  this.path = 0; this.open = 0;
};

ClassTrace.prototype.finish = function (ctx, z) {
  var symbol = this.symbol;
  this.flush(ctx, z);
  this.points.forEach(function (spot) {
    ctx.beginPath();
    ctx.arc(spot.x, spot.y, Math.max(2, symbol.size / 2), 0, 7);
    ctx.globalAlpha = symbol.fill_opacity; ctx.fillStyle = symbol.fill; ctx.fill();
    ctx.globalAlpha = symbol.stroke_opacity; ctx.strokeStyle = symbol.stroke; ctx.lineWidth = symbol.width; ctx.stroke();
  });
  ctx.globalAlpha = 1;
  ctx.setLineDash([]);
  this.points = [];
};

function ringArea(ring) {
  var sum = 0;
  for (var i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) sum += ring[j].x * ring[i].y - ring[i].x * ring[j].y;
  return sum;
}

function insideRings(x, y, rings) {
  var inside = false;
  rings.forEach(function (ring) {
    for (var i = 0, j = ring.length - 1; i < ring.length; j = i, i += 1) {
      var a = ring[i], b = ring[j];
      if ((a.y > y) !== (b.y > y) && x < (b.x - a.x) * (y - a.y) / (b.y - a.y) + a.x) inside = !inside;
    }
  });
  return inside;
}

function nearLines(x, y, lines, reach) {
  return lines.some(function (line) {
    for (var i = 0; i < line.length; i += 1) {
      var a = line[Math.max(0, i - 1)], b = line[i], dx = b.x - a.x, dy = b.y - a.y, long = dx * dx + dy * dy;
      var t = long ? Math.max(0, Math.min(1, ((x - a.x) * dx + (y - a.y) * dy) / long)) : 0;
      if (Math.hypot(x - a.x - t * dx, y - a.y - t * dy) <= reach) return true;
    }
    return false;
  });
}

var TileGroup = L.Layer.extend({
  addTo: function () {
    this.plan.wanted[this.planName] = true;
    return this;
  },

  onAdd: function (map) {
    var group = this;
    if (group.inner) { map.addLayer(group.inner); group.report(); return; }
    group.opening = group.opening || openArchive(group.tiles(), group.planName).then(function (source) {
      group.how = source.getKey();
      var read = source.getBytes.bind(source);
      source.getBytes = function (offset, length, signal, mark) {
        return read(offset, length, signal, mark).catch(function (error) {
          if (error.name !== "AbortError") group.failed();
          throw error;
        });
      };
      return source.getBytes(0, 7).then(function () { group.draw(source); });
    }).catch(function () { group.opening = null; group.failed(); });
    group.report();
  },

  onRemove: function (map) {
    if (this.inner) map.removeLayer(this.inner);
    this.report();
  },

  tiles: function () { return this.plan.read(this.planName).tiles; },

  draw: function (source) {
    var group = this, layer = group.plan.read(group.planName), labels = {}, rules = [];
    layer.symbols.forEach(function (symbol, at) {
      ["", "l", "p"].forEach(function (kind) {
        ["", "e"].forEach(function (edge) { labels[at + kind + edge] = at; rules = rules.concat(classRules(at + kind + edge, symbol)); });
      });
    });
    group.labels = labels;
    group.inner = protomapsL.leafletLayer({
      url: new pmtiles.PMTiles(source), maxDataZoom: layer.tiles.zoom, paintRules: rules, labelRules: [], attribution: "",
      zIndex: group.place + 1, minZoom: layer.tiles.street_zoom, maxZoom: 22, tileDelay: 1, keepBuffer: 1, updateWhenZooming: false
    });
    group.inner.on("load", function () {
      group.report();
      if (group.asked) group.answer();
      if (group.plan.refill) group.plan.refill(group.planName);
    });
    if (group.plan.map.hasLayer(group)) group.plan.map.addLayer(group.inner);
  },

  build: function () {},

  failed: function () {
    var plan = this.plan, layer = plan.read(this.planName), area = document.getElementById("map-area");
    if (!area || area.querySelector(".tile-fault")) return;
    var text = plan.ui.tiles_failed.replace("{layer}", layer.label).replace("{folder}", layer.tiles.folder);
    area.appendChild(node("p", { "class": "tile-fault", role: "alert" }, text));
    this.fault = true;
    this.report();
  },

  /* Decoded tiles of the view: { x, y, data } with shapes in pixels of 512 a tile. */
  decoded: function (bounds, all) {
    if (!this.inner) return [];
    var zoom = this.tiles().zoom, cache = this.inner.views.get("").tileCache.cache, found = [], side = Math.pow(2, zoom);
    var from = unitPosition(bounds.getWest(), bounds.getNorth()), to = unitPosition(bounds.getEast(), bounds.getSouth());
    for (var x = Math.floor(from[0] * side); x <= Math.floor(to[0] * side); x += 1) {
      for (var y = Math.floor(from[1] * side); y <= Math.floor(to[1] * side); y += 1) {
        var entry = cache.get(x + ":" + y + ":" + zoom);
        if (entry || all) found.push({ x: x, y: y, data: entry ? entry.data : null });
      }
    }
    return found;
  },

  /* How many shapes the tiles of the view hold, and how many of them were read and drawn. */
  counted: function () {
    var counts = this.tiles().counts, all = 0, drawn = 0;
    this.decoded(this.plan.map.getBounds(), true).forEach(function (tile) {
      all += counts[tile.x + "/" + tile.y] || 0;
      if (tile.data) tile.data.forEach(function (features, label) { if (label.slice(-1) !== "e") drawn += features.length; });
    });
    return { drawn: drawn, all: all };
  },

  /* Says under the layer's name what of it the map shows. */
  report: function () {
    var plan = this.plan, ui = plan.ui, layer = plan.read(this.planName), name = this.planName, text = "", view;
    var place = Array.prototype.filter.call(document.querySelectorAll("[data-shown]"), function (one) { return one.getAttribute("data-shown") === name; })[0];
    if (plan.wanted[name] && plan.map.hasLayer(this) && !this.fault) {
      view = this.counted();
      text = (view.drawn < view.all ? ui.tiles_loading : ui.tiles_near).replace("{n}", number(view.drawn, 0)).replace("{all}", number(view.all, 0)).replace("{total}", number(layer.tiles.features, 0));
    } else if (plan.wanted[name] && !plan.map.hasLayer(this)) {
      text = ui.tiles_far.replace("{n}", number(this.far(), 0)).replace("{all}", number(layer.tiles.features, 0)).replace("{units}", plan.read(plan.units[name]).ids.length);
    }
    if (place && place.textContent !== text) place.textContent = text;
    // The classes of the counts are explained only while the counts are on the map.
    Array.prototype.forEach.call(document.querySelectorAll("[data-far]"), function (one) {
      if (one.getAttribute("data-far") === name) one.hidden = plan.map.getZoom() >= layer.tiles.street_zoom;
    });
    return text;
  },

  /* The sum of the counts that are on the map: the page adds up what it shows. */
  far: function () {
    var units = this.plan.read(this.plan.units[this.planName]), sum = 0;
    var column = units.columns.filter(function (one) { return one.name === "feature_count"; })[0];
    units.ids.forEach(function (id, row) { sum += cell(column, row); });
    return sum;
  },

  /* --- shapes as rows --- */

  each: function (bounds, visit) {
    var zoom = this.tiles().zoom, side = Math.pow(2, zoom), from = unitPosition(bounds.getWest(), bounds.getNorth());
    var to = unitPosition(bounds.getEast(), bounds.getSouth());
    this.decoded(bounds).forEach(function (tile) {
      var left = (from[0] * side - tile.x) * TILE_PIXELS, top = (from[1] * side - tile.y) * TILE_PIXELS;
      var right = (to[0] * side - tile.x) * TILE_PIXELS, bottom = (to[1] * side - tile.y) * TILE_PIXELS;
      tile.data.forEach(function (features, label) {
        for (var i = 0; i < features.length; i += 1) {
          var box = features[i].bbox;
          if (box.maxX >= left && box.minX <= right && box.maxY >= top && box.minY <= bottom) visit(features[i], label, tile);
        }
      });
    });
  },

  row: function (feature, label, tile) {
    var layer = this.plan.read(this.planName), props = feature.props, id = String(props[layer.key]), group = this;
    group.rows = group.rows || new Map();
    if (group.rows.has(id)) return group.rows.get(id);
    var row = layer.ids.length, kind = { 1: "point", 2: "line", 3: "polygon" }[feature.geomType];
    layer.ids.push(id);
    layer.cls.push(this.labels[label]);
    if (layer.kind === "mixed") layer.kinds.push(kind);
    layer.geometry.push(group.shapeOf(feature, kind, tile, layer.origin));
    layer.columns.forEach(function (column) {
      var value = props[column.name];
      column.data.push(value === undefined ? null : value);
    });
    (layer.related || []).forEach(function (related) { related.rows_of.push(related.rows_by_id[id] || []); });
    if (layer.centres) layer.centres.place(layer.geometry[row], layer.origin, row);
    group.rows.set(id, row);
    return row;
  },

  /* A shape of a tile as the blocks of the page hold them: steps in microdegrees. */
  shapeOf: function (feature, kind, tile, origin) {
    var side = Math.pow(2, this.tiles().zoom);
    function flat(points) {
      var x = origin[0], y = origin[1], steps = [];
      points.forEach(function (point) {
        var unit = [(tile.x + point.x / TILE_PIXELS) / side, (tile.y + point.y / TILE_PIXELS) / side];
        var lng = Math.round((unit[0] * 360 - 180) * 1e6), lat = Math.round(Math.atan(Math.sinh(Math.PI * (1 - 2 * unit[1]))) * 180 / Math.PI * 1e6);
        steps.push(lng - x, lat - y);
        x = lng; y = lat;
      });
      return steps;
    }
    if (kind === "point") return flat([].concat.apply([], feature.geom));
    if (kind === "line") return feature.geom.map(flat);
    var polygons = [];
    feature.geom.forEach(function (ring) {
      var open = ring.slice(0, -1);
      if (!polygons.length || ringArea(ring) > 0) polygons.push([]);
      polygons[polygons.length - 1].push(flat(open));
    });
    return polygons;
  },

  /* The uppermost shape at a place. */
  hit: function (latlng, zoom) {
    var group = this, spot = unitPosition(latlng.lng, latlng.lat), side = Math.pow(2, this.tiles().zoom), found = null;
    var pixel = Math.pow(2, this.tiles().street_zoom - zoom), layer = this.plan.read(this.planName);
    var reach = 10 * pixel / (256 * 2 * side), near = L.latLngBounds([[unitLat(spot[1] + reach), latlng.lng - reach * 360], [unitLat(spot[1] - reach), latlng.lng + reach * 360]]);
    group.each(near, function (feature, label, tile) {
      var x = (spot[0] * side - tile.x) * TILE_PIXELS, y = (spot[1] * side - tile.y) * TILE_PIXELS, on;
      if (feature.geomType === 3) on = insideRings(x, y, feature.geom);
      else on = nearLines(x, y, feature.geom, (feature.geomType === 1 ? Math.max(5, layer.symbols[group.labels[label]].size / 2) : 5) * pixel);
      if (on && (!found || group.labels[label] >= group.labels[found[1]])) found = [feature, label, tile];
    });
    return found ? group.row(found[0], found[1], found[2]) : -1;
  },

  /* Rows of the shapes in the view, for the table. */
  listed: function (bounds) {
    var group = this, rows = [], seen = {};
    if (!group.plan.map.hasLayer(group)) return rows;
    group.each(bounds, function (feature, label, tile) {
      var row = group.row(feature, label, tile);
      if (!seen[row]) { seen[row] = true; rows.push(row); }
    });
    return rows.sort(function (a, b) { return a - b; });
  },

  listedNote: function () {
    var plan = this.plan, ui = plan.ui, layer = plan.read(this.planName);
    if (plan.map.hasLayer(this)) return ui.tiles_table.replace("{all}", number(layer.tiles.features, 0));
    return ui.tiles_zoom_in.replace("{z}", layer.tiles.street_zoom).replace("{units}", plan.read(plan.units[this.planName]).label);
  },

  /* --- found by name or by a link --- */

  names: function () {
    if (this.index === undefined) this.index = block("names-" + this.planName);
    return this.index;
  },

  visitNamed: function (at) {
    var index = this.names(), spots = index.spots, side = Math.pow(2, 28);
    if (!index.summed) {
      for (var i = 2; i < spots.length; i += 1) spots[i] += spots[i - 2];
      index.summed = true;
    }
    this.visit(String(index.ids[at]), L.latLng(unitLat(spots[2 * at + 1] / side), spots[2 * at] / side * 360 - 180));
  },

  /* Go where the shape is, wait for its tile, open its card. */
  visit: function (id, latlng) {
    var plan = this.plan;
    plan.show(this.planName, true);
    this.asked = id;
    plan.map.setView(latlng, Math.max(plan.map.getZoom(), this.tiles().street_zoom + 2), { animate: false });
    this.answer();
  },

  answer: function () {
    var group = this, found = -1;
    if (!group.asked) return false;
    var key = group.plan.read(group.planName).key;
    group.each(group.plan.map.getBounds(), function (feature, label, tile) {
      if (found < 0 && String(feature.props[key]) === group.asked) found = group.row(feature, label, tile);
    });
    if (found < 0) return false;
    group.asked = null;
    group.plan.open(group.planName, found, null);
    var content = document.querySelector(".leaflet-popup-content");
    if (content) content.focus({ preventScroll: true });
    return true;
  }
});

function unitLat(y) { return Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180 / Math.PI; }

Plan.prototype.tileLayer = function (place) {
  var group = new TileGroup();
  group.plan = this;
  group.planName = this.order[place];
  group.place = place;
  this.groups[group.planName] = group;
  return group;
};

Plan.prototype.tiled = function () {
  var plan = this;
  return Object.keys(plan.units).map(function (name) { return plan.groups[name]; });
};

Plan.parts.push({
  start: function (plan) {
    plan.map.on("moveend zoomend", function () { plan.tiled().forEach(function (group) { group.report(); }); });
    plan.tiled().forEach(function (group) { group.report(); });
  }
});
