/* --- many shapes: painted on tiles -------------------------------------------------------------
   Thousands of shapes as objects of the page would stop it. A dense layer keeps its vertices in one
   array and paints, tile by tile, every shape that touches the tile: none is left out at any zoom. */

var FOUR_PI = 4 * Math.PI, MICRO_RADIANS = Math.PI / 180e6;

function unitY(lat) {
  var sine = Math.sin(lat * Math.PI / 180);
  return 0.5 - Math.log((1 + sine) / (1 - sine)) / FOUR_PI;
}

function unitPosition(lng, lat) { return [(lng + 180) / 360, unitY(lat)]; }

/* Every flat list of steps under a geometry, in order: parts of lines, rings of areas. */
function flats(part, found) {
  if (!Array.isArray(part[0])) { found.push(part); return; }
  for (var i = 0; i < part.length; i += 1) flats(part[i], found);
}

function Outlines(layer) {
  var count = layer.ids.length, rings = [], total = 0, i;
  this.first = new Uint32Array(count + 1);
  for (i = 0; i < count; i += 1) { this.first[i] = rings.length; flats(layer.geometry[i], rings); }
  this.first[count] = rings.length;
  for (i = 0; i < rings.length; i += 1) total += rings[i].length;
  this.xy = new Float64Array(total);
  this.ring = new Uint32Array(rings.length + 1);
  this.box = new Float64Array(count * 4);
  for (i = 0; i < count; i += 1) this.place(i, rings, layer.origin);
}

/* The rings of one shape as positions on the unit square of the web map's projection, and their box. One loop without
   calls: it runs for every corner before the first picture, when a browser has not yet compiled it. */
Outlines.prototype.place = function (row, rings, origin) {
  var xy = this.xy, box = this.box, left = 9, top = 9, right = -9, bottom = -9, at = this.ring[this.first[row]];
  for (var ring = this.first[row]; ring < this.first[row + 1]; ring += 1) {
    for (var flat = rings[ring], i = 0, x = origin[0], y = origin[1]; i < flat.length; i += 2) {
      x += flat[i]; y += flat[i + 1];
      var sine = Math.sin(y * MICRO_RADIANS), east = x / 3.6e8 + 0.5, south = 0.5 - Math.log((1 + sine) / (1 - sine)) / FOUR_PI;
      xy[at++] = east; xy[at++] = south;
      if (east < left) left = east;
      if (east > right) right = east;
      if (south < top) top = south;
      if (south > bottom) bottom = south;
    }
    this.ring[ring + 1] = at;
  }
  at = row * 4;
  box[at] = left; box[at + 1] = top; box[at + 2] = right; box[at + 3] = bottom;
};

/* The subpaths of one shape, in pixels from a tile's corner. Far out, when a shape is a few pixels wide and no eye
   sees its corners, its box stands for it; corners within half a pixel of the last are skipped. */
Outlines.prototype.trace = function (ctx, row, scale, dx, dy, closed) {
  if (closed && this.speck(ctx, row, scale, dx, dy)) return;
  for (var xy = this.xy, ring = this.first[row]; ring < this.first[row + 1]; ring += 1) {
    var end = this.ring[ring + 1], i = this.ring[ring], x = xy[i] * scale - dx, y = xy[i + 1] * scale - dy, last = end - 2;
    ctx.moveTo(x, y);
    for (i += 2; i < end; i += 2) {
      var nextX = xy[i] * scale - dx, nextY = xy[i + 1] * scale - dy;
      if (i < last && Math.abs(nextX - x) < 0.5 && Math.abs(nextY - y) < 0.5) continue;
      x = nextX; y = nextY;
      ctx.lineTo(x, y);
    }
    if (closed) ctx.closePath();
  }
};

/* The box of a shape of a few pixels, at least one wide and high; false for a larger one, of which nothing is drawn. */
Outlines.prototype.speck = function (ctx, row, scale, dx, dy) {
  var box = this.box, i = row * 4, wide = (box[i + 2] - box[i]) * scale, high = (box[i + 3] - box[i + 1]) * scale;
  if (wide >= 3 || high >= 3) return false;
  var left = box[i] * scale - dx, top = box[i + 1] * scale - dy;
  ctx.rect(wide < 1 ? left + wide / 2 - 0.5 : left, high < 1 ? top + high / 2 - 0.5 : top, Math.max(1, wide), Math.max(1, high));
  return true;
};

/* The rows whose boxes touch a frame, in their order. */
Outlines.prototype.within = function (left, top, right, bottom) {
  for (var rows = [], box = this.box, i = 0; i < box.length; i += 4) {
    if (box[i] <= right && box[i + 2] >= left && box[i + 1] <= bottom && box[i + 3] >= top) rows.push(i / 4);
  }
  return rows;
};

/* Pixels from a place to the middle of a shape that is smaller than a finger's tip; of a larger one infinitely many. */
Outlines.prototype.away = function (row, spot, scale) {
  var b = this.box, i = row * 4;
  if (Math.max(b[i + 2] - b[i], b[i + 3] - b[i + 1]) * scale > 12) return Infinity;
  return Math.hypot((b[i] + b[i + 2]) / 2 - spot[0], (b[i + 1] + b[i + 3]) / 2 - spot[1]) * scale;
};

/* Far out, outlines as wide as near would hide what they outline. */
function thinner(scale) {
  var zoom = Math.log2(scale / 256);
  return zoom >= 14 ? 1 : zoom >= 13 ? 0.75 : 0.55;
}

/* The sign of a point, in the proportions of the legend's. */
var CORNERS = { square: [[-1, -1], [1, -1], [1, 1], [-1, 1]], diamond: [[0, -1.1], [1.1, 0], [0, 1.1], [-1.1, 0]], triangle: [[0, -1], [1, 0.9], [-1, 0.9]] };

function stamp(ctx, symbol, x, y, size) {
  var half = size / 2 - symbol.width / 2, corners = CORNERS[symbol.shape];
  ctx.strokeStyle = symbol.stroke; ctx.fillStyle = symbol.fill; ctx.lineWidth = symbol.width; ctx.setLineDash(symbol.dash);
  ctx.beginPath();
  if (corners) corners.forEach(function (c, at) { ctx[at ? "lineTo" : "moveTo"](x + c[0] * half, y + c[1] * half); });
  else ctx.arc(x, y, half, 0, 7);
  ctx.closePath();
  ctx.globalAlpha = symbol.fill_opacity; ctx.fill();
  ctx.globalAlpha = symbol.stroke_opacity; ctx.stroke();
  if (!symbol.glyph) return;
  ctx.globalAlpha = 1;
  ctx.fillStyle = symbol.stroke; ctx.textAlign = "center"; ctx.textBaseline = "middle";
  ctx.font = (size * 0.58).toFixed(1) + "px " + getComputedStyle(document.body).fontFamily;
  ctx.fillText(symbol.glyph, x, y);
}

function paint(ctx, layer, outlines, rows, scale, dx, dy) {
  var byClass = {}, mixed = layer.kinds;
  rows.forEach(function (row) {
    var key = mixed ? mixed[row] + ":" + layer.cls[row] : layer.cls[row];
    (byClass[key] = byClass[key] || []).push(row);
  });
  Object.keys(byClass).sort().forEach(function (key) {
    var parts = mixed ? key.split(":") : [layer.kind, key], kind = parts[0], symbol = layer.symbols[Number(parts[1])];
    ctx.strokeStyle = symbol.stroke; ctx.fillStyle = symbol.fill; ctx.lineWidth = symbol.width * thinner(scale);
    ctx.lineJoin = "round"; ctx.setLineDash(symbol.dash);
    if (kind === "point") {
      byClass[key].forEach(function (row) {
        var i = outlines.ring[outlines.first[row]];
        stamp(ctx, symbol, outlines.xy[i] * scale - dx, outlines.xy[i + 1] * scale - dy, Math.max(4, symbol.size));
      });
      return;
    }
    paintPaths(ctx, outlines, byClass[key], kind === "polygon", symbol, scale, dx, dy);
  });
  ctx.globalAlpha = 1;
}

/* One path of thousands of shapes costs a browser ten times what the same shapes cost in short paths. */
var PATH_SHAPES = 64;

function paintPaths(ctx, outlines, rows, closed, symbol, scale, dx, dy) {
  var open = 0, holed = [];
  function finish(rule) {
    if (closed && symbol.fill_opacity > 0) { ctx.globalAlpha = symbol.fill_opacity; ctx.fill(rule); }
    ctx.globalAlpha = symbol.stroke_opacity; ctx.stroke();
    ctx.beginPath();
    open = 0;
  }
  ctx.beginPath();
  rows.forEach(function (row) {
    if (closed && outlines.first[row + 1] - outlines.first[row] !== 1) { holed.push(row); return; }
    outlines.trace(ctx, row, scale, dx, dy, closed);
    open += 1;
    if (open === PATH_SHAPES) finish("nonzero");
  });
  if (open) finish("nonzero");
  holed.forEach(function (row) { outlines.trace(ctx, row, scale, dx, dy, true); finish("evenodd"); });
}

var PAINT_MS = 12;

var DenseLayer = L.GridLayer.extend({
  options: { tileSize: 512, updateWhenZooming: false, keepBuffer: 1 },
  addTo: function () {
    this.plan.wanted[this.planName] = true;
    return this;
  },
  onAdd: function (map) {
    this.build();
    L.GridLayer.prototype.onAdd.call(this, map);
    this.getContainer().setAttribute("data-painted", "");
  },
  source: function () { return this.plan.read(this.planName); },
  build: function () {
    if (!this.outlines) this.outlines = new Outlines(this.plan.read(this.planName));
  },
  rowsIn: function (left, top, right, bottom) {
    var plan = this.plan, layer = plan.read(this.planName);
    return this.outlines.within(left, top, right, bottom).filter(function (row) { return plan.has(layer, row); });
  },
  sift: function () { if (this._map) this.redraw(); },
  repaint: function () { if (this._map) this.redraw(); },
  /* Tiles are painted a few at a time, so that a view left at once costs nothing and keys and clicks go between. */
  createTile: function (coords, done) {
    var tile = L.DomUtil.create("canvas"), size = this.getTileSize().x, ratio = window.devicePixelRatio || 1;
    tile.width = tile.height = size * ratio;
    this.queue = this.queue || [];
    this.queue.push({ tile: tile, coords: coords, done: done });
    if (this.queue.length === 1) setTimeout(this.paintNext.bind(this), 0);
    return tile;
  },
  paintNext: function () {
    var until = performance.now() + PAINT_MS;
    while (this.queue.length && performance.now() < until) {
      var next = this.queue.shift(), held = this._map && this._tiles[this._tileCoordsToKey(next.coords)];
      if (!held || held.el !== next.tile || !held.current) continue;
      this.paintTile(next.tile, next.coords);
      next.done(null, next.tile);
    }
    if (this.queue.length) setTimeout(this.paintNext.bind(this), 0);
  },
  paintTile: function (tile, coords) {
    var size = this.getTileSize().x, ratio = window.devicePixelRatio || 1;
    var scale = 256 * Math.pow(2, coords.z), edge = 8 / scale;
    var left = coords.x * size / scale, top = coords.y * size / scale, wide = size / scale;
    var rows = this.rowsIn(left - edge, top - edge, left + wide + edge, top + wide + edge);
    if (!rows.length) return;  // without a context the canvas holds no memory
    var ctx = tile.getContext("2d");
    ctx.scale(ratio, ratio);
    paint(ctx, this.source(), this.outlines, rows, scale, coords.x * size, coords.y * size);
  },
  /* The uppermost shape at a place: inside an area, or within five pixels of a line, a point or an area no larger than a finger. */
  hit: function (latlng, zoom) {
    var scale = 256 * Math.pow(2, zoom), spot = unitPosition(latlng.lng, latlng.lat), reach = 5 / scale;
    var layer = this.plan.read(this.planName), outlines = this.outlines, found = -1, near = -1, least = Infinity;
    var ctx = document.createElement("canvas").getContext("2d");
    ctx.lineWidth = 10;
    this.rowsIn(spot[0] - reach, spot[1] - reach, spot[0] + reach, spot[1] + reach).forEach(function (row) {
      var kind = layer.kinds ? layer.kinds[row] : layer.kind;
      if (kind === "point") { found = row; return; }
      ctx.beginPath();
      outlines.trace(ctx, row, scale, spot[0] * scale, spot[1] * scale, kind === "polygon");
      if (kind === "polygon" ? ctx.isPointInPath(0, 0, "evenodd") : ctx.isPointInStroke(0, 0)) found = row;
      var away = kind === "polygon" ? outlines.away(row, spot, scale) : Infinity;
      if (away < least) { least = away; near = row; }
    });
    return found < 0 ? near : found;
  }
});
