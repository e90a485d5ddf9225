/* The map page: layers from the data blocks of this file, cards, search, labels, link to a view.
   Values of attributes only ever become text nodes (textContent); nothing here parses HTML from data. */
(function () {
  "use strict";

  var SVG = "http://www.w3.org/2000/svg";
  var LABEL_LIMIT = 180;
  var SEARCH_SHOWN = 12;

  function node(tag, attributes, text) {
    var element = document.createElement(tag);
    Object.keys(attributes || {}).forEach(function (key) { element.setAttribute(key, attributes[key]); });
    if (text !== undefined && text !== null) element.textContent = String(text);
    return element;
  }

  function block(id) {
    var element = document.getElementById(id);
    return element ? JSON.parse(element.textContent) : null;
  }

  /* --- values to words ------------------------------------------------------------------------ */

  function cell(column, row) {
    var value = column.data[row];
    return value !== null && column.dict ? column.dict[value] : value;
  }

  function words(column, value, ui) {
    if (value === null || value === undefined) return ui.unknown;
    if (value === "") return "—";
    if (value === true) return ui.yes;
    if (value === false) return ui.no;
    if (column.labels) {
      return Object.prototype.hasOwnProperty.call(column.labels, value) ? column.labels[value] : String(value);
    }
    if (typeof value !== "number") return String(value);
    if (column.share) return number(value * 100, 1) + "%";
    if (column.money && Math.abs(value) >= 10000) return number(value / 10000, 2) + " " + ui.myriad_yuan;
    if (column.plain) return String(value) + (column.unit ? " " + column.unit : "");
    return number(value, Math.abs(value) >= 100 ? 0 : 2) + (column.unit ? " " + column.unit : "");
  }

  function number(value, digits) {
    return value.toLocaleString("en-US", { maximumFractionDigits: digits });
  }

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
      return L.polygon(geometry.map(function (rings) {
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

  /* The subpaths of one shape, in pixels from a tile's corner; a shape under a pixel becomes a pixel. */
  Outlines.prototype.trace = function (ctx, row, scale, dx, dy, closed) {
    var xy = this.xy, box = this.box, wide = Math.max(box[row * 4 + 2] - box[row * 4], box[row * 4 + 3] - box[row * 4 + 1]) * scale;
    if (closed && wide < 1) { ctx.rect(box[row * 4] * scale - dx - 0.5, box[row * 4 + 1] * scale - dy - 0.5, 1, 1); return; }
    for (var ring = this.first[row]; ring < this.first[row + 1]; ring += 1) {
      var end = this.ring[ring + 1], i = this.ring[ring];
      ctx.moveTo(xy[i] * scale - dx, xy[i + 1] * scale - dy);
      for (i += 2; i < end; i += 2) ctx.lineTo(xy[i] * scale - dx, xy[i + 1] * scale - dy);
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
          ctx.beginPath();
          ctx.arc(outlines.xy[i] * scale - dx, outlines.xy[i + 1] * scale - dy, Math.max(2, symbol.size / 2), 0, 7);
          ctx.globalAlpha = symbol.fill_opacity; ctx.fill();
          ctx.globalAlpha = symbol.stroke_opacity; ctx.stroke();
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
    },
    build: function () {
      if (!this.outlines) this.outlines = new Outlines(this.plan.read(this.planName));
    },
    rowsIn: function (left, top, right, bottom) {
      var rows = [], count = this.plan.read(this.planName).ids.length;
      for (var row = 0; row < count; row += 1) if (this.outlines.near(row, left, top, right, bottom)) rows.push(row);
      return rows;
    },
    createTile: function (coords) {
      var tile = L.DomUtil.create("canvas"), size = this.getTileSize().x, ratio = window.devicePixelRatio || 1;
      tile.width = tile.height = size * ratio;
      var ctx = tile.getContext("2d"), scale = 256 * Math.pow(2, coords.z), edge = 8 / scale;
      var left = coords.x * size / scale, top = coords.y * size / scale, wide = size / scale;
      ctx.scale(ratio, ratio);
      var rows = this.rowsIn(left - edge, top - edge, left + wide + edge, top + wide + edge);
      paint(ctx, this.plan.read(this.planName), this.outlines, rows, scale, coords.x * size, coords.y * size);
      return tile;
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

  /* --- one layer ------------------------------------------------------------------------------ */

  function Plan(map, settings) {
    this.map = map;
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
    this.bubble_layer = settings.bubble_layer;
  }

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
        group.addLayer(item);
        return item;
      });
    }
  });

  Plan.prototype.layer = function (place) {
    var plan = this, name = plan.order[place], dense = plan.dense.indexOf(name) >= 0;
    var group = dense ? new DenseLayer({ zIndex: place + 1 }) : new LazyGroup();
    group.plan = plan;
    group.planName = name;
    plan.groups[name] = group;
    if (dense) return group;
    group.on("click", function (event) {
      var item = event.propagatedFrom || event.layer || event.sourceTarget;
      if (!item || !item.plan) return;
      L.DomEvent.stopPropagation(event);
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
    var plan = this, zoom = plan.map.getZoom(), added = false;
    plan.order.forEach(function (name) {
      var group = plan.groups[name], drawn = Boolean(plan.wanted[name]) && zoom >= plan.min_zoom[name];
      if (drawn === plan.map.hasLayer(group)) return;
      if (drawn) { plan.map.addLayer(group); added = true; } else { plan.map.removeLayer(group); }
    });
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
      var at = map.project(plan.centres(layer)[row], map.getZoom()), key = Math.floor(at.x / size) + ":" + Math.floor(at.y / size);
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

  Plan.prototype.centres = function (layer) {
    var plan = this;
    if (!layer.centres) layer.centres = layer.ids.map(function (id, row) { return plan.centre(layer, row); });
    return layer.centres;
  };

  Plan.prototype.centre = function (layer, row) {
    var part = layer.geometry[row];
    while (Array.isArray(part[0])) part = part[0];
    var spots = positions(part, layer.origin), lat = 0, lng = 0;
    spots.forEach(function (spot) { lat += spot[0]; lng += spot[1]; });
    return L.latLng(lat / spots.length, lng / spots.length);
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
    return plan.order.filter(function (name) { return plan.wanted[name]; });
  };

  /* --- cards ---------------------------------------------------------------------------------- */

  Plan.prototype.title = function (layer, row) {
    var column = layer.columns[layer.title];
    var value = column ? cell(column, row) : null;
    return value === null || value === undefined ? String(layer.ids[row]) : words(column, value, this.ui);
  };

  Plan.prototype.facts = function (columns, row, skip) {
    var plan = this, list = node("dl", { "class": "facts" });
    columns.forEach(function (column, at) {
      var value = cell(column, row);
      if (at === skip || value === "") return;  // what does not apply is not a fact
      var long = typeof value === "string" && !column.labels && value.length > 24;
      var pair = node("div", long ? { "class": "long" } : {});
      pair.appendChild(node("dt", {}, column.label));
      pair.appendChild(node("dd", value === null ? { "class": "unknown" } : {}, words(column, value, plan.ui)));
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
        var value = cell(column, row);
        line.appendChild(node("td", value === null ? { "class": "unknown" } : {}, words(column, value, plan.ui)));
      });
    });
    return table;
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
    head.appendChild(node("h2", {}, plan.title(layer, row)));
    if (layer.columns[layer.title]) head.appendChild(node("p", { "class": "id" }, layer.key_label + " " + layer.ids[row]));
    card.appendChild(plan.facts(layer.columns, row, layer.title));
    (layer.related || []).forEach(function (related) {
      var rows = related.rows_of[row];
      if (!rows || !rows.length) return;
      var part = card.appendChild(node("section"));
      part.appendChild(node("h3", {}, related.label));
      if (related.single) {
        part.appendChild(plan.facts(related.columns, rows[0], -1));
      } else {
        var box = part.appendChild(node("div", { "class": "wide", tabindex: "0", role: "region", "aria-label": related.label }));
        box.appendChild(plan.table(related.columns, rows));
      }
    });
    return card;
  };

  Plan.prototype.open = function (name, row, at) {
    var plan = this, layer = plan.read(name);
    plan.show(name, true);
    var item = plan.item(name, row);
    var spot = at || (item.getBounds ? item.getBounds().getCenter() : item.getLatLng());
    var small = plan.map.getSize().x < 620;
    plan.map.closePopup();
    plan.selected = { name: name, id: String(layer.ids[row]) };
    plan.popup = L.popup({ maxWidth: small ? plan.map.getSize().x - 48 : 380, minWidth: small ? 240 : 300,
      maxHeight: Math.round(plan.map.getSize().y * (small ? 0.5 : 0.66)), autoPanPadding: [18, 18] })
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
    plan.remember();
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
    this.show(name, true);
    var item = this.item(name, row);
    if (item.getBounds) {
      this.map.fitBounds(item.getBounds().pad(0.6), { maxZoom: 16, animate: false });
    } else {
      this.map.setView(item.getLatLng(), Math.max(this.map.getZoom(), 16), { animate: false });
    }
    this.open(name, row, null);
  };

  /* The first letters of the pinyin of common characters (one reading each); Latin letters and digits stay,
     and a character of unknown reading is a "*", which stands for any letter. */
  function initialsOf(index) {
    var letter = {}, decoder = null;
    try { decoder = new TextDecoder("gb2312"); } catch (error) { /* then names are found by their characters */ }
    index.starts.forEach(function (start, at) {
      var end = index.starts[at + 1] ? index.starts[at + 1][0] : start[0];
      for (var code = start[0]; decoder && code < end; code += 1) {
        if ((code & 255) >= 0xA1 && (code & 255) <= 0xFE) letter[decoder.decode(new Uint8Array([code >> 8, code & 255]))] = start[1];
      }
    });
    Array.from(index.rare[0]).forEach(function (character, at) { letter[character] = index.rare[1][at]; });
    return function (text) {
      return Array.from(text.toLowerCase()).map(function (c) { return letter[c] || (/[a-z0-9]/.test(c) ? c : decoder && c >= "\u3400" && !/[\uff00-\uffff]/.test(c) ? "*" : ""); }).join("");
    };
  }

  /* Where the typed letters stand in a name's initials, "*" being any letter; -1 if nowhere. */
  function initialsAt(initials, query) {
    for (var at = 0; at + query.length <= initials.length; at += 1) {
      var i = 0;
      while (i < query.length && (initials[at + i] === query[i] || (initials[at + i] === "*" && /[a-z]/.test(query[i])))) i += 1;
      if (i === query.length) return at;
    }
    return -1;
  }

  /* --- search --------------------------------------------------------------------------------- */

  Plan.prototype.find = function (text, entries) {
    var query = text.trim().toLowerCase();
    if (!query) return [];
    var latin = /^[a-z0-9]+$/.test(query), hits = [];
    entries.forEach(function (entry) {
      var at = entry[2].toLowerCase().indexOf(query);
      var rank = at === 0 ? 0 : at > 0 ? 1 : 9;
      if (rank === 9 && String(entry[4]).toLowerCase().indexOf(query) === 0) rank = 2;
      if (rank === 9 && latin && entry[3].indexOf(query) === 0) rank = 3;
      if (rank === 9 && latin && entry[3].indexOf(query) > 0) rank = 4;
      if (rank === 9 && latin && entry[3].indexOf("*") >= 0 && initialsAt(entry[3], query) >= 0) rank = 5;
      if (rank < 9) hits.push([rank, entry]);
    });
    hits.sort(function (a, b) { return a[0] - b[0]; });
    return hits.map(function (hit) { return hit[1]; });
  };

  Plan.prototype.search = function () {
    var plan = this, input = document.getElementById("find"), list = document.getElementById("found");
    if (!input) return;
    var index = block("search-index"), entries = null;

    /* Read when the first letter is typed: a layer that is never shown or searched costs nothing. */
    function known() {
      if (entries) return entries;
      var initials = initialsOf(index);
      entries = [];
      index.layers.forEach(function (name) {
        var layer = plan.read(name), column = layer.columns[layer.title], seen = {};
        layer.ids.forEach(function (id, row) {
          var text = column ? cell(column, row) : String(id);
          // What has no name is found by its id; streets come in too many nameless pieces for that.
          if ((text === null || text === "") && layer.kind !== "line") text = String(id);
          if (text === null || text === "" || (layer.kind === "line" && seen["_" + text])) return;
          seen["_" + text] = true;
          entries.push([name, row, String(text), initials(String(text)), id, layer.label]);
        });
      });
      return entries;
    }

    function county(entry) {
      var layer = plan.read(entry[0]), column = layer.columns.filter(function (one) { return one.name === "unit_code"; })[0];
      var code = column ? cell(column, entry[1]) : null, units, row;
      if (code === null || code === "") return "";
      if (plan.order.indexOf("reporting_units") < 0) return words(column, code, plan.ui);
      units = plan.read("reporting_units");
      row = units.ids.map(String).indexOf(String(code));
      return row < 0 ? String(code) : plan.title(units, row);
    }

    /* Kind of thing; beside it, where several of one kind share a name, the county, or the id if that is shared too. */
    function where(entry, all) {
      var alike = all.filter(function (one) { return one[0] === entry[0] && one[2] === entry[2]; });
      if (alike.length < 2) return entry[5];
      var place = county(entry);
      var alone = place && alike.filter(function (one) { return county(one) === place; }).length === 1;
      return entry[5] + " " + (alone ? place : entry[4]);
    }

    var hits = [], active = -1;

    function close() { list.hidden = true; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); active = -1; }

    function choose(at) {
      var entry = hits[at];
      if (!entry) return;
      close();
      input.value = entry[2];
      plan.panel(false);
      plan.visit(entry[0], entry[1]);
      document.querySelector(".leaflet-popup-content").focus({ preventScroll: true });
    }

    function mark(at) {
      active = at;
      Array.prototype.forEach.call(list.querySelectorAll('[role="option"]'), function (option, i) {
        option.setAttribute("aria-selected", String(i === at));
        if (i === at) { input.setAttribute("aria-activedescendant", option.id); option.scrollIntoView({ block: "nearest" }); }
      });
    }

    function update() {
      var all = input.value.trim() ? plan.find(input.value, known()) : [];
      hits = all.slice(0, SEARCH_SHOWN);
      list.textContent = "";
      active = -1;
      hits.forEach(function (entry, at) {
        var option = node("li", { role: "option", id: "found-" + at, "aria-selected": "false" });
        option.appendChild(node("span", { "class": "what" }, entry[2]));
        option.appendChild(node("span", { "class": "where" }, where(entry, all)));
        option.addEventListener("mousedown", function (event) { event.preventDefault(); choose(at); });
        list.appendChild(option);
      });
      var said = !input.value.trim() ? "" : all.length ? plan.ui.found.replace("{n}", all.length) : plan.ui.not_found;
      if (said && (all.length > hits.length || !all.length)) list.appendChild(node("li", { "class": "note", role: "presentation" }, said));
      list.hidden = !said;
      input.setAttribute("aria-expanded", String(!list.hidden));
      plan.say(said);
    }

    input.addEventListener("input", update);
    input.addEventListener("focus", function () { if (input.value.trim()) update(); });
    input.addEventListener("blur", close);
    input.addEventListener("keydown", function (event) {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (hits.length) mark((active + (event.key === "ArrowDown" ? 1 : hits.length - (active < 0 ? 0 : 1))) % hits.length);
      } else if (event.key === "Enter") {
        event.preventDefault();
        if (list.hidden) update();
        choose(active < 0 ? 0 : active);
      } else if (event.key === "Escape") { close(); }
    });
  };

  /* --- months ----------------------------------------------------------------------------------- */

  Plan.prototype.months = function () {
    var plan = this, bar = document.getElementById("months"), range = document.getElementById("months-range");
    var said = document.getElementById("months-said"), play = document.getElementById("months-play"), timer = null;
    if (!bar) return;
    function layer() {
      var name = plan.on().filter(function (one) { return plan.read(one).months; })[0];
      return name ? plan.read(name) : null;
    }
    function turn(at, quiet) {
      var one = layer(), group, counts = {};
      if (!one) return;
      one.cls = one.months.cls[at];
      group = plan.groups[one.name];
      if (plan.features[one.name]) {
        var factor = thinner(256 * Math.pow(2, plan.map.getZoom()));
        plan.features[one.name].forEach(function (item, row) {
          var symbol = one.symbols[one.cls[row]];
          if (item.setStyle) item.setStyle(pathOptions(symbol, { weight: symbol.width * factor }));
        });
      } else if (group.redraw && plan.map.hasLayer(group)) { group.redraw(); }
      one.cls.forEach(function (c) { counts[c] = (counts[c] || 0) + 1; });
      var parts = one.months.class_labels.map(function (label, c) { return counts[c] ? label + " " + counts[c] : ""; }).filter(Boolean);
      said.textContent = one.months.labels[at] + "  " + parts.join(" · ");
      range.value = at;
      range.setAttribute("aria-valuetext", said.textContent);
      plan.month = at === one.months.labels.length - 1 ? null : one.months.labels[at];
      if (!quiet) plan.changed();
    }
    function stop() { clearInterval(timer); timer = null; play.textContent = plan.ui.play; }
    range.addEventListener("input", function () { stop(); turn(Number(range.value)); });
    play.addEventListener("click", function () {
      var one = layer();
      if (timer || !one) { stop(); return; }
      var at = Number(range.value), last = one.months.labels.length - 1;
      if (at >= last) at = -1;
      play.textContent = plan.ui.pause;
      timer = setInterval(function () { at += 1; turn(at); if (at >= last) stop(); }, 900);
    });
    plan.turn = function (label) {
      var one = layer(), at = one ? one.months.labels.indexOf(label) : -1;
      if (at >= 0) turn(at, true);
    };
    plan.months_changed = function () {
      var one = layer();
      if (bar.hidden !== !one) {
        bar.hidden = !one;
        document.body.classList.toggle("months-open", Boolean(one));
        if (one) { range.max = one.months.labels.length - 1; turn(one.months.labels.length - 1, true); } else { stop(); plan.month = null; }
      }
    };
    plan.months_changed();
  };

  /* --- the same as a table ---------------------------------------------------------------------- */

  var PAGE_ROWS = 100;

  Plan.prototype.sheet = function () {
    var plan = this, map = plan.map, panel = document.getElementById("sheet"), button = document.getElementById("table-button");
    if (!panel || !button) return;
    var pick = document.getElementById("sheet-layer"), filter = document.getElementById("sheet-filter");
    var inView = document.getElementById("sheet-view"), count = document.getElementById("sheet-count");
    var head = panel.querySelector("thead"), body = panel.querySelector("tbody"), sort = { column: -1, down: false }, page = 0, rows = [];
    var before = document.getElementById("sheet-before"), after = document.getElementById("sheet-after");
    plan.order.slice().reverse().forEach(function (name) { pick.appendChild(node("option", { value: name }, plan.labels_of[name])); });
    pick.value = plan.order.indexOf("communities") >= 0 ? "communities" : plan.order[plan.order.length - 1];

    function matches(layer, row, query) {
      if (String(layer.ids[row]).toLowerCase().indexOf(query) >= 0) return true;
      return layer.columns.some(function (column) {
        var value = cell(column, row);
        return value !== null && words(column, value, plan.ui).toLowerCase().indexOf(query) >= 0;
      });
    }

    function compare(layer) {
      var column = layer.columns[sort.column], way = sort.down ? -1 : 1;
      function key(row) {
        var value = sort.column < 0 ? layer.ids[row] : cell(column, row);
        return value === "" ? null : value;
      }
      return function (a, b) {
        var x = key(a), y = key(b);
        if (x === null || y === null) return (x === null ? 1 : 0) - (y === null ? 1 : 0) || a - b;
        if (typeof x === "number" && typeof y === "number") return way * (x - y) || a - b;
        return way * String(x).localeCompare(String(y), "zh-CN") || a - b;
      };
    }

    function header(layer) {
      head.textContent = "";
      var line = head.appendChild(node("tr"));
      [{ label: layer.key_label || "id", at: -1 }].concat(layer.columns.map(function (column, at) {
        return { label: column.label, at: at };
      })).forEach(function (item) {
        var th = line.appendChild(node("th", { scope: "col" }));
        if (sort.column === item.at) th.setAttribute("aria-sort", sort.down ? "descending" : "ascending");
        th.appendChild(node("button", { type: "button" }, item.label)).addEventListener("click", function () {
          sort = { column: item.at, down: sort.column === item.at ? !sort.down : false };
          fill();
          head.querySelectorAll("button")[item.at + 1].focus();
        });
      });
    }

    function fill() {
      if (panel.hidden) return;
      var name = pick.value, layer = plan.read(name), query = filter.value.trim().toLowerCase(), bounds = map.getBounds();
      rows = layer.ids.map(function (id, row) { return row; }).filter(function (row) {
        return (!query || matches(layer, row, query)) && (!inView.checked || bounds.contains(plan.centres(layer)[row]));
      }).sort(compare(layer));
      header(layer);
      page = Math.max(0, Math.min(page, Math.ceil(rows.length / PAGE_ROWS) - 1));
      body.textContent = "";
      rows.slice(page * PAGE_ROWS, (page + 1) * PAGE_ROWS).forEach(function (row) {
        var line = body.appendChild(node("tr", { "data-row": row }));
        var key = line.appendChild(node("th", { scope: "row" }));
        key.appendChild(node("button", { type: "button", "class": "link" }, layer.ids[row])).addEventListener("click", function () { plan.visit(name, row); });
        layer.columns.forEach(function (column) {
          var value = cell(column, row);
          line.appendChild(node("td", { "class": (value === null ? "unknown" : "") + (typeof value === "number" && !column.labels ? " number" : "") }, words(column, value, plan.ui)));
        });
      });
      var from = rows.length ? page * PAGE_ROWS + 1 : 0, to = Math.min(rows.length, (page + 1) * PAGE_ROWS);
      count.textContent = plan.ui.rows.replace("{from}", from).replace("{to}", to).replace("{n}", rows.length).replace("{all}", layer.count);
      before.disabled = page === 0;
      after.disabled = to >= rows.length;
      plan.say(count.textContent);
      follow();
    }

    function follow() {
      Array.prototype.forEach.call(body.children, function (line) {
        var layer = plan.read(pick.value), mine = plan.selected && plan.selected.name === pick.value;
        var on = Boolean(mine && String(layer.ids[Number(line.getAttribute("data-row"))]) === plan.selected.id);
        line.classList.toggle("selected", on);
        if (on) line.scrollIntoView({ block: "nearest" });
      });
    }

    plan.follow = function () {
      if (panel.hidden || !plan.selected) return;
      if (pick.value !== plan.selected.name) { pick.value = plan.selected.name; sort = { column: -1, down: false }; page = 0; fill(); }
      var place = rows.indexOf(plan.read(pick.value).ids.map(String).indexOf(plan.selected.id));
      if (place >= 0 && Math.floor(place / PAGE_ROWS) !== page) { page = Math.floor(place / PAGE_ROWS); fill(); }
      follow();
    };

    function toggle(open) {
      panel.hidden = !open;
      button.setAttribute("aria-expanded", String(open));
      button.setAttribute("aria-pressed", String(open));
      document.body.classList.toggle("sheet-open", open);
      map.invalidateSize({ animate: false });
      if (open) plan.refit();
      if (open) { fill(); plan.follow(); filter.focus(); } else { button.focus(); }
    }
    button.addEventListener("click", function () { plan.panel(false); toggle(panel.hidden); });
    document.getElementById("sheet-close").addEventListener("click", function () { toggle(false); });
    panel.addEventListener("keydown", function (event) { if (event.key === "Escape") toggle(false); });
    pick.addEventListener("change", function () { sort = { column: -1, down: false }; page = 0; fill(); });
    filter.addEventListener("input", function () { page = 0; fill(); });
    inView.addEventListener("change", function () { page = 0; fill(); });
    before.addEventListener("click", function () { page -= 1; fill(); });
    after.addEventListener("click", function () { page += 1; fill(); });
    map.on("moveend", function () { if (inView.checked) fill(); });
  };

  /* --- names on the map ------------------------------------------------------------------------ */

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
        if (!bounds.contains(layer.spots[row])) continue;
        var text = cell(column, row);
        if (text === null || text === "") continue;
        text = String(text).length > 18 ? String(text).slice(0, 17) + "…" : String(text);
        var spot = map.latLngToContainerPoint(layer.spots[row]);
        if (layer.kind === "line" && seen[text]) continue;
        var wide = 0;
        for (var i = 0; i < text.length; i += 1) wide += text.charCodeAt(i) > 255 ? layer.label_size : layer.label_size * 0.56;
        var drop = layer.kind === "point" ? 15 : 0, half = wide / 2 + 3, high = layer.label_size * 0.8;
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

  /* --- state of the page ----------------------------------------------------------------------- */

  Plan.prototype.say = function (text) {
    var live = document.getElementById("live");
    if (live && live.textContent !== text) live.textContent = text;
  };

  Plan.prototype.panel = function (open) {
    document.body.classList.toggle("panel-open", open);
    var button = document.getElementById("panel-button");
    if (button) button.setAttribute("aria-expanded", String(open));
  };

  Plan.prototype.changed = function () {
    var plan = this;
    if (plan.waiting) return;
    plan.waiting = setTimeout(function () {
      plan.waiting = null;
      plan.labels();
      plan.remember();
      plan.summary();
    }, 60);
  };

  Plan.prototype.summary = function () {
    var plan = this, name = plan.order.indexOf("communities") >= 0 ? "communities" : plan.order[plan.order.length - 1];
    if (!name) return;
    var bounds = plan.map.getBounds(), layer = plan.read(name), inside = 0;
    plan.centres(layer).forEach(function (spot) { if (bounds.contains(spot)) inside += 1; });
    var text = plan.ui.in_view.replace("{layer}", layer.label).replace("{n}", inside).replace("{all}", layer.count);
    var place = document.getElementById("in-view");
    if (place && place.textContent !== text) place.textContent = text;
  };

  /* The address keeps the view, the layers and the selection, so a link shows the same map. */
  Plan.prototype.remember = function () {
    if (!this.ready) return;
    var centre = this.map.getCenter(), parts = [this.map.getZoom(), centre.lat.toFixed(5), centre.lng.toFixed(5)];
    var text = "#" + parts.join("/") + "&on=" + this.on().map(encodeURIComponent).join(",");
    if (this.month) text += "&month=" + this.month;
    if (this.selected) text += "&at=" + encodeURIComponent(this.selected.name + ":" + this.selected.id);
    if (text !== location.hash) {
      try { history.replaceState(null, "", text); } catch (error) { /* a page opened inside another may not */ }
    }
  };

  Plan.prototype.restore = function () {
    var plan = this, found = /^#([\d.]+)\/(-?[\d.]+)\/(-?[\d.]+)(?:&on=([^&]*))?(?:&month=([\d-]*))?(?:&at=([^&]*))?/.exec(location.hash);
    if (!found) return false;
    if (found[4] !== undefined) {
      var on = found[4].split(",").map(decodeURIComponent);
      plan.order.forEach(function (name) { plan.show(name, on.indexOf(name) >= 0); });
    }
    plan.map.setView([Number(found[2]), Number(found[3])], Number(found[1]), { animate: false });
    if (found[5]) plan.turn(found[5]);
    if (found[6]) {
      var at = decodeURIComponent(found[6]), name = at.slice(0, at.indexOf(":")), id = at.slice(at.indexOf(":") + 1);
      if (plan.order.indexOf(name) >= 0) {
        var row = plan.read(name).ids.map(String).indexOf(id);
        if (row >= 0) plan.open(name, row, null);
      }
    }
    return true;
  };

  Plan.prototype.start = function () {
    var plan = this, map = plan.map;
    plan.apply();
    plan.stack();
    Array.prototype.forEach.call(document.querySelectorAll("input[data-layer]"), function (box) {
      box.addEventListener("change", function () { plan.show(box.getAttribute("data-layer"), box.checked); });
    });
    [["home-button", function () { map.closePopup(); map.fitBounds(plan.home, { animate: false }); plan.panel(false); }],
      ["print-button", function () { window.print(); }],
      ["panel-button", function () { plan.panel(!document.body.classList.contains("panel-open")); }],
      ["large-button", function () {
        var on = document.body.classList.toggle("large");
        this.setAttribute("aria-pressed", String(on));
        map.invalidateSize();
        plan.changed();
      }]].forEach(function (pair) {
      var button = document.getElementById(pair[0]);
      if (button) button.addEventListener("click", pair[1]);
    });
    var names = document.getElementById("show-names");
    if (names) names.addEventListener("change", function () { plan.changed(); });
    map.on("click", function (event) { plan.touch(event.latlng); });
    map.on("zoomend", function () { plan.apply(); });
    map.on("moveend zoomend resize", function () { plan.changed(); });
    map.on("popupclose", function () { plan.selected = null; plan.highlight(null); plan.changed(); });
    window.addEventListener("beforeprint", function () { map.invalidateSize({ animate: false }); });
    plan.search();
    plan.sheet();
    plan.months();
    plan.restore();
    plan.ready = true;
    plan.changed();
    document.body.setAttribute("data-ready", "true");
  };

  window.openPlan = function (map) {
    var settings = block("settings");
    // On a phone the upper right corner is where a card has its closing button.
    L.control.zoom({ position: map.getSize().x < 620 ? "bottomleft" : "topright", zoomInTitle: settings.ui.zoom_in, zoomOutTitle: settings.ui.zoom_out }).addTo(map);
    L.control.scale({ imperial: false, position: "bottomright", maxWidth: 140 }).addTo(map);
    map.attributionControl.setPrefix("Leaflet");
    if (settings.attribution) map.attributionControl.addAttribution(settings.attribution);
    var pane = map.createPane("names");
    pane.style.zIndex = 640;
    pane.style.pointerEvents = "none";
    window.plan = new Plan(map, settings);
    map.fitBounds(window.plan.home, { animate: false });
    return window.plan;
  };
}());
