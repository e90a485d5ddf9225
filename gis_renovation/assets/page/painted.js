/* --- many shapes: painted on tiles -------------------------------------------------------------
   Thousands of shapes as objects of the page would stop it. A dense layer keeps its vertices in one
   array and paints, tile by tile, every shape that touches the tile: none is left out at any zoom. */

function unitPosition(lng, lat) {
  var sine = Math.sin(lat * Math.PI / 180);
  return [(lng + 180) / 360, 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI)];
}

function Outlines(layer) {
  var count = layer.ids.length, total = 0, rings = 0;
  function each(part, visit) { if (Array.isArray(part[0])) part.forEach(function (p) { each(p, visit); }); else visit(part); }
  layer.geometry.forEach(function (g) { each(g, function (flat) { total += flat.length; rings += 1; }); });
  this.xy = new Float64Array(total);
  this.ring = new Uint32Array(rings + 1);
  this.first = new Uint32Array(count + 1);
  this.box = new Float64Array(count * 4);
  var at = 0, ring = 0, self = this, origin = layer.origin;
  layer.geometry.forEach(function (g, row) {
    var left = 9, top = 9, right = -9, bottom = -9;
    self.first[row] = ring;
    each(g, function (flat) {
      var x = origin[0], y = origin[1];
      self.ring[ring] = at;
      for (var i = 0; i < flat.length; i += 2) {
        x += flat[i]; y += flat[i + 1];
        var spot = unitPosition(x / 1e6, y / 1e6);
        self.xy[at] = spot[0]; self.xy[at + 1] = spot[1]; at += 2;
        if (spot[0] < left) left = spot[0];
        if (spot[0] > right) right = spot[0];
        if (spot[1] < top) top = spot[1];
        if (spot[1] > bottom) bottom = spot[1];
      }
      ring += 1;
    });
    self.box.set([left, top, right, bottom], row * 4);
  });
  self.first[count] = ring;
  self.ring[ring] = at;
}

/* The subpaths of one shape, in pixels from a tile's corner. Far out, when a shape is a few pixels wide and no eye
   sees its corners, its box stands for it, at least a pixel wide; corners within half a pixel of the last are skipped. */
Outlines.prototype.trace = function (ctx, row, scale, dx, dy, closed) {
  var xy = this.xy, box = this.box, left = box[row * 4] * scale - dx, top = box[row * 4 + 1] * scale - dy;
  var wide = (box[row * 4 + 2] - box[row * 4]) * scale, high = (box[row * 4 + 3] - box[row * 4 + 1]) * scale;
  if (closed && wide < 3 && high < 3) {
    ctx.rect(wide < 1 ? left + wide / 2 - 0.5 : left, high < 1 ? top + high / 2 - 0.5 : top, Math.max(1, wide), Math.max(1, high));
    return;
  }
  for (var ring = this.first[row]; ring < this.first[row + 1]; ring += 1) {
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

Outlines.prototype.near = function (row, left, top, right, bottom) {
  var b = this.box, i = row * 4;
  return b[i] <= right && b[i + 2] >= left && b[i + 1] <= bottom && b[i + 3] >= top;
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
  var byClass = {};
  rows.forEach(function (row) {
    var kind = layer.kinds ? layer.kinds[row] : layer.kind, key = kind + ":" + layer.cls[row];
    (byClass[key] = byClass[key] || []).push(row);
  });
  Object.keys(byClass).sort().forEach(function (key) {
    var kind = key.slice(0, key.indexOf(":")), symbol = layer.symbols[Number(key.slice(key.indexOf(":") + 1))];
    ctx.strokeStyle = symbol.stroke; ctx.fillStyle = symbol.fill; ctx.lineWidth = symbol.width * thinner(scale);
    ctx.lineJoin = "round"; ctx.setLineDash(symbol.dash);
    if (kind === "point") {
      byClass[key].forEach(function (row) {
        var i = outlines.ring[outlines.first[row]];
        stamp(ctx, symbol, outlines.xy[i] * scale - dx, outlines.xy[i + 1] * scale - dy, Math.max(4, symbol.size));
      });
      return;
    }
    ctx.beginPath();
    byClass[key].forEach(function (row) {
      var simple = outlines.first[row + 1] - outlines.first[row] === 1;
      if (kind === "polygon" && !simple) return;
      outlines.trace(ctx, row, scale, dx, dy, kind === "polygon");
    });
    if (kind === "polygon" && symbol.fill_opacity > 0) { ctx.globalAlpha = symbol.fill_opacity; ctx.fill(); }
    ctx.globalAlpha = symbol.stroke_opacity; ctx.stroke();
    if (kind !== "polygon") return;
    byClass[key].forEach(function (row) {
      if (outlines.first[row + 1] - outlines.first[row] === 1) return;
      ctx.beginPath();
      outlines.trace(ctx, row, scale, dx, dy, true);
      if (symbol.fill_opacity > 0) { ctx.globalAlpha = symbol.fill_opacity; ctx.fill("evenodd"); }
      ctx.globalAlpha = symbol.stroke_opacity; ctx.stroke();
    });
  });
  ctx.globalAlpha = 1;
}

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
    var rows = [], layer = this.plan.read(this.planName);
    for (var row = 0; row < layer.ids.length; row += 1) {
      if (this.outlines.near(row, left, top, right, bottom) && this.plan.has(layer, row)) rows.push(row);
    }
    return rows;
  },
  sift: function () { if (this._map) this.redraw(); },
  repaint: function () { if (this._map) this.redraw(); },
  /* Tiles are painted one after the other, so that a view left at once costs nothing and keys and clicks go between. */
  createTile: function (coords, done) {
    var tile = L.DomUtil.create("canvas"), size = this.getTileSize().x, ratio = window.devicePixelRatio || 1;
    tile.width = tile.height = size * ratio;
    this.queue = this.queue || [];
    this.queue.push({ tile: tile, coords: coords, done: done });
    if (this.queue.length === 1) setTimeout(this.paintNext.bind(this), 0);
    return tile;
  },
  paintNext: function () {
    var next;
    while ((next = this.queue.shift())) {
      var held = this._map && this._tiles[this._tileCoordsToKey(next.coords)];
      if (held && held.el === next.tile && held.current) break;
    }
    if (!next) return;
    this.paintTile(next.tile, next.coords);
    next.done(null, next.tile);
    if (this.queue.length) setTimeout(this.paintNext.bind(this), 0);
  },
  paintTile: function (tile, coords) {
    var size = this.getTileSize().x, ratio = window.devicePixelRatio || 1;
    var ctx = tile.getContext("2d"), scale = 256 * Math.pow(2, coords.z), edge = 8 / scale;
    var left = coords.x * size / scale, top = coords.y * size / scale, wide = size / scale;
    ctx.scale(ratio, ratio);
    var rows = this.rowsIn(left - edge, top - edge, left + wide + edge, top + wide + edge);
    paint(ctx, this.source(), this.outlines, rows, scale, coords.x * size, coords.y * size);
  },
  /* The uppermost shape at a place: inside an area, or within five pixels of a line or point. */
  hit: function (latlng, zoom) {
    var scale = 256 * Math.pow(2, zoom), spot = unitPosition(latlng.lng, latlng.lat), reach = 5 / scale;
    var layer = this.plan.read(this.planName), outlines = this.outlines, found = -1;
    var ctx = document.createElement("canvas").getContext("2d");
    ctx.lineWidth = 10;
    this.rowsIn(spot[0] - reach, spot[1] - reach, spot[0] + reach, spot[1] + reach).forEach(function (row) {
      var kind = layer.kinds ? layer.kinds[row] : layer.kind;
      if (kind === "point") { found = row; return; }
      ctx.beginPath();
      outlines.trace(ctx, row, scale, spot[0] * scale, spot[1] * scale, kind === "polygon");
      if (kind === "polygon" ? ctx.isPointInPath(0, 0, "evenodd") : ctx.isPointInStroke(0, 0)) found = row;
    });
    return found;
  }
});
