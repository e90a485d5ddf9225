/* --- the map on paper: one sheet with title, legend, scale, north, source, date and map number ------
   Lengths are CSS pixels of paper, 96 to the inch; the sheet is drawn from the data, not from the screen. */

var PAPER = { A4: [297, 210], A3: [420, 297] }, MM = 96 / 25.4, SHEET_DPI = 200, LEGEND_WIDTH = 196, LEGEND_MOST = 440, LEGEND_HEAD = 30;

function Sheet(plan, paper, upright) {
  var sides = PAPER[paper].map(function (mm) { return mm * MM; });
  this.plan = plan;
  this.width = upright ? sides[1] : sides[0];
  this.height = upright ? sides[0] : sides[1];
  this.edge = 10 * MM;
  this.upright = upright;
  this.family = getComputedStyle(document.body).fontFamily;
  var bounds = plan.map.getBounds(), a = unitPosition(bounds.getWest(), bounds.getNorth()), b = unitPosition(bounds.getEast(), bounds.getSouth());
  this.frame = [a[0], a[1], b[0], b[1]];
  // The legend lists what the sheet shows, and what the sheet shows depends on the room its legend takes.
  for (var turn = 0, before = ""; turn < 5 && before !== this.frame.join(); turn += 1) {
    before = this.frame.join();
    this.entries = this.legend();
    this.place(a, b);
  }
}

Sheet.prototype.font = function (size, weight) { return (weight || 400) + " " + size + "px " + this.family; };

/* Title above, notes below, the legend beside the map or, on an upright sheet, below it; the map in the rest. */
Sheet.prototype.place = function (a, b) {
  var room = this.width - 2 * this.edge, high = this.height - 2 * this.edge - 78;
  this.left = this.edge;
  this.top = this.edge + 44;
  this.wide = room;
  this.high = high;
  if (this.upright) {
    this.shelve(Math.floor(room / LEGEND_WIDTH), high * 0.36);
    this.high -= this.shelf + LEGEND_HEAD + 10;
    this.legend_at = [this.left, this.top + this.high + 18];
  } else {
    this.stand(high - LEGEND_HEAD);
    this.wide -= this.columns * this.column + 12;
    this.legend_at = [this.left + this.wide + 14, this.top + 8];
  }
  this.scale = Math.min(this.wide / (b[0] - a[0]), this.high / (b[1] - a[1]));
  this.dx = (a[0] + b[0]) / 2 * this.scale - this.left - this.wide / 2;
  this.dy = (a[1] + b[1]) / 2 * this.scale - this.top - this.high / 2;
  this.frame = [(this.left + this.dx) / this.scale, (this.top + this.dy) / this.scale, (this.left + this.wide + this.dx) / this.scale, (this.top + this.high + this.dy) / this.scale];
};

/* Where each entry of the legend stands in columns of a height; a heading stays with its first line. */
Sheet.prototype.flow = function (high, squeeze) {
  var column = 0, y = 0, entries = this.entries;
  return entries.map(function (entry, at) {
    var next = entries[at + 1], needed = entry.high * squeeze + (entry.head && next && !next.head ? next.high * squeeze : 0);
    if (y && y + needed > high) { column += 1; y = 0; }
    y += entry.high * squeeze;
    return { entry: entry, column: column, y: y - entry.high * squeeze / 2, end: y };
  });
};

/* Beside the map: as few columns as it needs, closer lines before another column. */
Sheet.prototype.stand = function (high) {
  var sheet = this, spots = [];
  this.column = LEGEND_WIDTH;
  [[1, 1], [1, 0.85], [2, 1], [2, 0.85], [3, 1], [3, 0.85], [3, 0.7], [3, 0.55], [3, 0.4]].some(function (way) {
    spots = sheet.flow(high, way[1]);
    sheet.columns = way[0];
    sheet.squeeze = way[1];
    return !spots.length || spots[spots.length - 1].column < way[0];
  });
  this.spots = spots;
  this.column = Math.max(LEGEND_WIDTH, Math.min(this.needed(), LEGEND_MOST / this.columns));
};

/* How wide a column must be for no text of the legend to be shortened: see draw_entry. */
Sheet.prototype.needed = function () {
  var sheet = this, ctx = document.createElement("canvas").getContext("2d"), size = 12 * Math.max(0.7, this.squeeze);
  return this.entries.reduce(function (most, entry) {
    ctx.font = sheet.font(size, entry.head ? 600 : 400);
    var texts = ctx.measureText(String(entry.text).slice(0, 400)).width + ctx.measureText(entry.count === null ? "" : number(entry.count, 0)).width;
    return Math.max(most, Math.ceil(texts) + (entry.symbol || entry.bubble ? (entry.head ? 33 : 41) : 0) + 23);
  }, 0);
};

/* Below the map: all columns, as low as they can be. */
Sheet.prototype.shelve = function (columns, most) {
  var spots = [], high = 0;
  this.columns = columns;
  this.column = (this.width - 2 * this.edge + 14) / columns;
  for (this.squeeze = 1; this.squeeze > 0.4; this.squeeze -= 0.1) {
    for (high = Math.min(96, most); high <= most; high += 8) {
      spots = this.flow(high, this.squeeze);
      if (!spots.length || spots[spots.length - 1].column < columns) { this.settle(spots); return; }
    }
  }
  this.settle(spots);
};

Sheet.prototype.settle = function (spots) {
  this.spots = spots;
  this.shelf = spots.reduce(function (most, spot) { return Math.max(most, spot.end); }, 0);
};

Sheet.prototype.at = function (place) {
  var unit = unitPosition(place.lng, place.lat);
  return { x: unit[0] * this.scale - this.dx, y: unit[1] * this.scale - this.dy };
};

Sheet.prototype.latLng = function (x, y) {
  var up = Math.PI * (1 - 2 * (y + this.dy) / this.scale);
  return L.latLng(Math.atan(Math.sinh(up)) * 180 / Math.PI, (x + this.dx) / this.scale * 360 - 180);
};

/* What the legend lists: what is drawn inside the frame, layer by layer and class by class, each with its number there. */
Sheet.prototype.legend = function () {
  var sheet = this, plan = this.plan, entries = [], compared = plan.pair && plan.sides ? [plan.monthly().name] : [], frame = this.frame;
  plan.visible().concat(compared).reverse().forEach(function (name) {
    var layer = plan.read(name), counts = {}, kinds = {}, listed = layer.class_labels.length > 1, all = 0, outlines = layer.tiles ? null : sheet.outlines(name, layer);
    var rows = outlines ? outlines.within(frame[0], frame[1], frame[2], frame[3]) : layer.ids.map(function (id, row) { return row; });
    rows.forEach(function (row) {
      if (!plan.has(layer, row)) return;
      // Two months compared: a class stands in the legend if either side shows it; the number is of the later one.
      if (plan.pair && name === compared[0]) kinds[layer.months.cls[plan.pair.from][row]] = layer.kind;
      var c = plan.pair && name === compared[0] ? layer.months.cls[plan.pair.to][row] : layer.cls[row];
      counts[c] = (counts[c] || 0) + 1; all += 1;
      if (kinds[c] !== "point") kinds[c] = layer.kinds ? layer.kinds[row] : layer.kind;
    });
    if (!all && !layer.tiles) return;
    entries.push({ text: layer.label, count: layer.tiles ? layer.count : all, head: true, high: 22, kind: kinds[0], symbol: listed ? null : layer.symbols[0] });
    if (listed) layer.class_labels.forEach(function (label, at) {
      if (counts[at] || kinds[at]) entries.push({ text: label, count: layer.tiles ? null : counts[at] || 0, high: 17, kind: kinds[at], symbol: layer.symbols[at] });
    });
  });
  if (plan.crowd) entries.unshift({ text: plan.ui.crowd.replace("{layer}", function () { return plan.read(plan.bubble_layer).label; }), count: null, head: true, high: 24, bubble: true });
  return entries;
};

Sheet.prototype.outlines = function (name, layer) {
  if (!layer.outlines) layer.outlines = (this.plan.groups[name] || {}).outlines || new Outlines(layer);
  return layer.outlines;
};

Sheet.prototype.draw = function (dpi) {
  var canvas = document.createElement("canvas"), ctx = canvas.getContext("2d");
  canvas.width = Math.round(this.width * dpi / 96);
  canvas.height = Math.round(this.height * dpi / 96);
  ctx.scale(dpi / 96, dpi / 96);
  ctx.fillStyle = "#ffffff";
  ctx.fillRect(0, 0, this.width, this.height);
  this.draw_map(ctx);
  this.draw_head(ctx);
  this.draw_legend(ctx);
  this.draw_scale(ctx);
  this.draw_north(ctx);
  this.draw_notes(ctx);
  return canvas;
};

Sheet.prototype.draw_map = function (ctx) {
  var sheet = this, plan = this.plan;
  ctx.save();
  ctx.beginPath();
  ctx.rect(this.left, this.top, this.wide, this.high);
  ctx.fillStyle = "#f6f3ec";
  ctx.fill();
  ctx.clip();
  this.draw_tiles(ctx, ".leaflet-base-pane img.leaflet-tile-loaded, .leaflet-tile-pane canvas");
  plan.order.forEach(function (name) {
    if (plan.pair && plan.monthly().name === name) sheet.draw_pair(ctx, name);
    else if (plan.map.hasLayer(plan.groups[name]) && !plan.read(name).tiles) sheet.draw_layer(ctx, name, plan.read(name));
  });
  this.draw_tiles(ctx, ".leaflet-base-labels-pane img.leaflet-tile-loaded");
  this.draw_veil(ctx);
  this.draw_crowd(ctx);
  this.draw_names(ctx);
  ctx.restore();
  ctx.strokeStyle = "#1e2a35"; ctx.lineWidth = 1; ctx.setLineDash([]);
  ctx.strokeRect(this.left, this.top, this.wide, this.high);
};

Sheet.prototype.draw_layer = function (ctx, name, layer) {
  var plan = this.plan;
  this.outlines(name, layer);
  var rows = layer.ids.map(function (id, row) { return row; }).filter(function (row) { return plan.has(layer, row); });
  ctx.save();
  paint(ctx, layer, layer.outlines, rows, this.scale, this.dx, this.dy);
  ctx.restore();
};

/* Two months: each on its side of the line. */
Sheet.prototype.draw_pair = function (ctx, name) {
  var sheet = this, plan = this.plan, layer = plan.read(name), middle = this.wide * plan.pair.share;
  this.outlines(name, layer);
  [[plan.pair.from, 0, middle], [plan.pair.to, middle, this.wide]].forEach(function (side) {
    ctx.save();
    ctx.beginPath();
    ctx.rect(sheet.left + side[1], sheet.top, side[2] - side[1], sheet.high);
    ctx.clip();
    sheet.draw_layer(ctx, name, Object.create(layer, { cls: { value: layer.months.cls[side[0]] } }));
    ctx.restore();
    sheet.tag(ctx, layer.months.labels[side[0]], sheet.left + side[1] + 10, sheet.top + 10);
  });
  ctx.fillStyle = "#17486f";
  ctx.fillRect(this.left + middle - 1, this.top, 2, this.high);
};

Sheet.prototype.tag = function (ctx, text, x, y) {
  ctx.font = this.font(12, 600);
  ctx.fillStyle = "#17486f";
  ctx.fillRect(x, y, ctx.measureText(text).width + 16, 22);
  ctx.fillStyle = "#ffffff"; ctx.textAlign = "left"; ctx.textBaseline = "middle";
  ctx.fillText(text, x + 8, y + 11);
};

/* Pictures that only the screen has: tiles of a basemap (turned as they lie), and of layers cut into tiles. */
Sheet.prototype.draw_tiles = function (ctx, selector) {
  var map = this.plan.map, frame = map.getContainer().getBoundingClientRect(), corner = this.at(map.containerPointToLatLng([0, 0]));
  var ratio = this.scale / (256 * Math.pow(2, map.getZoom()));
  Array.prototype.forEach.call(document.querySelectorAll(selector), function (tile) {
    if (tile.closest("[data-painted]")) return;
    var box = tile.getBoundingClientRect();
    ctx.drawImage(tile, corner.x + (box.left - frame.left) * ratio, corner.y + (box.top - frame.top) * ratio, box.width * ratio, box.height * ratio);
  });
};

Sheet.prototype.draw_veil = function (ctx) {
  var sheet = this, veil = this.plan.veil;
  if (!veil) return;
  ctx.beginPath();
  veil.getLatLngs().forEach(function (ring) {
    ring.forEach(function (place, at) { var p = sheet.at(L.latLng(Math.max(-85, Math.min(85, place.lat)), place.lng)); ctx[at ? "lineTo" : "moveTo"](p.x, p.y); });
    ctx.closePath();
  });
  ctx.setLineDash([]);
  ctx.globalAlpha = 0.62; ctx.fillStyle = "#ffffff"; ctx.fill("evenodd");
  ctx.globalAlpha = 1; ctx.strokeStyle = "#17486f"; ctx.lineWidth = 2; ctx.stroke();
};

Sheet.prototype.draw_crowd = function (ctx) {
  var sheet = this, ratio = Math.min(1, this.scale / (256 * Math.pow(2, this.plan.map.getZoom())));
  if (!this.plan.crowd) return;
  this.plan.crowd.eachLayer(function (marker) {
    var p = sheet.at(marker.getLatLng()), icon = marker.options.icon.options;
    ctx.beginPath(); ctx.arc(p.x, p.y, Math.max(8, icon.iconSize[0] / 2 * ratio), 0, 7);
    ctx.fillStyle = "#17486f"; ctx.fill(); ctx.strokeStyle = "#ffffff"; ctx.lineWidth = 2; ctx.setLineDash([]); ctx.stroke();
    ctx.fillStyle = "#ffffff"; ctx.font = sheet.font(Math.max(10, 13 * ratio), 600); ctx.textAlign = "center"; ctx.textBaseline = "middle";
    ctx.fillText(icon.html, p.x, p.y);
  });
};

Sheet.prototype.draw_names = function (ctx) {
  var sheet = this, switched = document.getElementById("show-names"), looks = {}, pane = this.plan.map.getPane("names");
  if (switched && !switched.checked) return;
  var bounds = L.latLngBounds(this.latLng(this.left, this.top + this.high), this.latLng(this.left + this.wide, this.top));
  ctx.textAlign = "center"; ctx.textBaseline = "middle"; ctx.lineJoin = "round";
  this.plan.names_in(bounds, this.plan.map.getZoom(), function (place) { return sheet.at(place); }).forEach(function (name) {
    if (!looks[name.kind]) {
      var probe = pane.appendChild(node("span", { "class": "name " + name.kind })), style = getComputedStyle(probe);
      looks[name.kind] = { font: style.fontStyle + " " + style.fontWeight + " " + style.fontSize + " " + sheet.family, color: style.color };
      probe.remove();
    }
    var p = sheet.at(name.place);
    ctx.font = looks[name.kind].font;
    ctx.strokeStyle = "#ffffff"; ctx.lineWidth = 3; ctx.setLineDash([]);
    ctx.strokeText(name.text, p.x, p.y + name.drop);
    ctx.fillStyle = looks[name.kind].color;
    ctx.fillText(name.text, p.x, p.y + name.drop);
  });
};

/* `text` shortened to a width, with an ellipsis. */
Sheet.prototype.fit = function (ctx, text, wide) {
  var letters = Array.from(String(text).slice(0, 400));
  if (ctx.measureText(letters.join("")).width <= wide && letters.length === Array.from(String(text)).length) return letters.join("");
  while (letters.length && ctx.measureText(letters.join("") + "…").width > wide) letters.pop();
  return letters.join("") + "…";
};

Sheet.prototype.draw_head = function (ctx) {
  var facts = this.plan.settings.sheet, room = this.width - 2 * this.edge;
  ctx.textAlign = "left"; ctx.textBaseline = "middle"; ctx.fillStyle = "#1e2a35";
  ctx.font = this.font(24, 600);
  ctx.fillText(this.fit(ctx, facts.title, room - (facts.synthetic ? 210 : 0)), this.edge, this.edge + 18);
  if (!facts.synthetic) return;
  ctx.font = this.font(14, 600); ctx.fillStyle = "#8a3b12"; ctx.textAlign = "right";
  ctx.fillText(facts.synthetic, this.width - this.edge, this.edge + 18);
};

Sheet.prototype.draw_legend = function (ctx) {
  var sheet = this, x = this.legend_at[0], y = this.legend_at[1];
  ctx.textAlign = "left"; ctx.textBaseline = "middle"; ctx.fillStyle = "#1e2a35";
  ctx.font = this.font(15, 600);
  ctx.fillText(this.plan.ui.legend, x, y);
  var wide = ctx.measureText(this.plan.ui.legend).width;
  ctx.font = this.font(11); ctx.fillStyle = "#56636f";
  ctx.fillText(this.plan.ui.on_sheet, x + wide + 8, y + 1);
  this.spots.forEach(function (spot) { sheet.draw_entry(ctx, spot.entry, x + spot.column * sheet.column, y + LEGEND_HEAD - 14 + spot.y); });
};

Sheet.prototype.draw_entry = function (ctx, entry, x, y) {
  if (entry.bubble) {
    ctx.beginPath(); ctx.arc(x + 13, y, 9, 0, 7);
    ctx.fillStyle = "#17486f"; ctx.fill();
    ctx.fillStyle = "#ffffff"; ctx.font = this.font(11, 600); ctx.textAlign = "center"; ctx.textBaseline = "middle";
    ctx.fillText("n", x + 13, y);
  }
  var symbol = entry.symbol || entry.bubble, size = 12 * Math.max(0.7, this.squeeze), shift = entry.head ? 0 : 8;
  if (entry.symbol) {
    ctx.save();
    if (entry.kind === "point") {
      stamp(ctx, symbol, x + shift + 13, y, Math.min(symbol.size, 14));
    } else {
      ctx.strokeStyle = symbol.stroke; ctx.fillStyle = symbol.fill; ctx.lineWidth = symbol.width; ctx.setLineDash(symbol.dash);
      ctx.beginPath();
      if (entry.kind === "line") { ctx.moveTo(x + shift, y); ctx.lineTo(x + shift + 26, y); } else { ctx.rect(x + shift + 1, y - 5, 24, 10); ctx.globalAlpha = symbol.fill_opacity; ctx.fill(); }
      ctx.globalAlpha = symbol.stroke_opacity; ctx.stroke();
    }
    ctx.restore();
  }
  ctx.font = this.font(size, entry.head ? 600 : 400);
  ctx.fillStyle = "#1e2a35"; ctx.textAlign = "left"; ctx.textBaseline = "middle";
  var from = x + (symbol ? shift + 33 : 0), end = x + this.column - 14, count = entry.count === null ? "" : number(entry.count, 0);
  ctx.fillText(this.fit(ctx, entry.text, end - from - ctx.measureText(count).width - 8), from, y);
  ctx.textAlign = "right"; ctx.fillStyle = "#56636f";
  ctx.fillText(count, end, y);
};

/* Metres of ground a pixel of paper stands for, along the middle of the sheet. */
Sheet.prototype.metres = function () {
  var y = this.top + this.high / 2, x = this.left + this.wide / 2;
  return geodesic(this.latLng(x - 50, y), this.latLng(x + 50, y)) / 100;
};

Sheet.prototype.draw_scale = function (ctx) {
  var metres = this.metres(), wanted = 150 * metres, power = Math.pow(10, Math.floor(Math.log10(wanted)));
  var length = [5, 2, 1].map(function (step) { return step * power; }).filter(function (one) { return one <= wanted; })[0], wide = length / metres;
  var x = this.left + this.wide - wide - 16, y = this.top + this.high - 18;
  ctx.fillStyle = "rgba(255,255,255,0.88)"; ctx.fillRect(x - 10, y - 28, wide + 20, 40);
  [0, 1, 2, 3].forEach(function (at) { ctx.fillStyle = at % 2 ? "#ffffff" : "#1e2a35"; ctx.fillRect(x + wide * at / 4, y, wide / 4, 5); });
  ctx.strokeStyle = "#1e2a35"; ctx.lineWidth = 0.8; ctx.setLineDash([]); ctx.strokeRect(x, y, wide, 5);
  ctx.fillStyle = "#1e2a35"; ctx.font = this.font(11); ctx.textBaseline = "bottom";
  ctx.textAlign = "left"; ctx.fillText("0", x, y - 2);
  ctx.textAlign = "right"; ctx.fillText(length >= 1000 ? length / 1000 + " km" : length + " m", x + wide, y - 2);
  ctx.textAlign = "center"; ctx.fillText(this.ratio(), x + wide / 2, y - 13);
};

/* The scale on paper of this size, to three digits: 1 : 12,300. */
Sheet.prototype.ratio = function () {
  return "1 : " + number(Number((this.metres() * 96 / 0.0254).toPrecision(3)), 0);
};

Sheet.prototype.draw_north = function (ctx) {
  var x = this.left + this.wide - 26, y = this.top + 16;
  ctx.fillStyle = "rgba(255,255,255,0.88)"; ctx.fillRect(x - 16, y - 8, 32, 58);
  ctx.fillStyle = "#1e2a35"; ctx.font = this.font(12, 600); ctx.textAlign = "center"; ctx.textBaseline = "middle";
  ctx.fillText(this.plan.ui.north, x, y);
  ctx.beginPath(); ctx.moveTo(x, y + 9); ctx.lineTo(x + 9, y + 40); ctx.lineTo(x, y + 33); ctx.closePath(); ctx.fill();
  ctx.strokeStyle = "#1e2a35"; ctx.lineWidth = 1; ctx.setLineDash([]);
  ctx.beginPath(); ctx.moveTo(x, y + 9); ctx.lineTo(x - 9, y + 40); ctx.lineTo(x, y + 33); ctx.closePath(); ctx.stroke();
};

Sheet.prototype.draw_notes = function (ctx) {
  var facts = this.plan.settings.sheet, y = this.height - this.edge - 22, room = this.width - 2 * this.edge, plan = this.plan;
  var date = plan.month && !plan.pair ? plan.ui.as_of.replace("{date}", plan.month) : facts.as_of;
  var county = plan.county >= 0 ? plan.settings.counties[plan.county].name : "";
  ctx.textAlign = "left"; ctx.textBaseline = "middle"; ctx.fillStyle = "#33424e"; ctx.font = this.font(11);
  ctx.fillText(this.fit(ctx, [facts.number, date, county].filter(Boolean).join("    "), room), this.edge, y);
  ctx.fillText(this.fit(ctx, [facts.source, (plan.base_notes || "")].filter(Boolean).join("    "), room), this.edge, y + 16);
};

/* --- out of the page --------------------------------------------------------------------------------- */

/* A PNG that says how large it is on paper (its pHYs chunk), so that it prints in its scale. */
function sizedPng(bytes, dpi) {
  var chunk = new Uint8Array(21), view = new DataView(chunk.buffer), crc = -1;
  view.setUint32(0, 9);
  chunk.set([112, 72, 89, 115], 4);
  view.setUint32(8, Math.round(dpi / 0.0254)); view.setUint32(12, Math.round(dpi / 0.0254)); chunk[16] = 1;
  for (var i = 4; i < 17; i += 1) {
    crc ^= chunk[i];
    for (var bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xEDB88320 : crc >>> 1;
  }
  view.setUint32(17, (crc ^ -1) >>> 0);
  return new Blob([bytes.subarray(0, 33), chunk, bytes.subarray(33)], { type: "image/png" });
}

/* The sheet as the reader wants it, as a PNG; says so where the browser refuses. */
Plan.prototype.sheet_png = function (use) {
  var plan = this, paper = document.getElementById("paper").value, upright = document.getElementById("upright").value === "1", canvas;
  function refused() { document.getElementById("print-said").textContent = plan.ui.png_refused; }
  canvas = new Sheet(plan, paper, upright).draw(SHEET_DPI);
  try {
    canvas.toBlob(function (blob) {
      if (!blob) { refused(); return; }
      blob.arrayBuffer().then(function (data) { use(sizedPng(new Uint8Array(data), SHEET_DPI), paper, upright); });
    }, "image/png");
  } catch (error) { if (error.name !== "SecurityError") throw error; refused(); }
};

Plan.prototype.Sheet = Sheet;

Plan.prototype.preview = function () {
  var place = document.getElementById("print-preview"), canvas = new Sheet(this, document.getElementById("paper").value, document.getElementById("upright").value === "1").draw(72);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", this.ui.preview + this.settings.sheet.title);
  place.replaceChildren(canvas);
};

/* Printing shows the sheet alone, on paper of its size. */
Plan.prototype.print_sheet = function () {
  var plan = this;
  plan.sheet_png(function (blob, paper, upright) {
    var url = URL.createObjectURL(blob), image = node("img", { src: url, alt: plan.settings.sheet.title }), style = node("style", {}, "@page { size: " + paper + " " + (upright ? "portrait" : "landscape") + "; margin: 0; }");
    var area = document.getElementById("paper-sheet");
    area.replaceChildren(image, style);
    image.decode().then(function () {
      document.getElementById("print").close();
      document.body.classList.add("on-paper");
      window.addEventListener("afterprint", function () {
        document.body.classList.remove("on-paper");
        area.replaceChildren();
        URL.revokeObjectURL(url);
      }, { once: true });
      window.print();
    });
  });
};

Plan.parts.push({
  start: function (plan) {
    var dialog = document.getElementById("print");
    press("print-button", function () { document.getElementById("print-said").textContent = ""; dialog.showModal(); plan.preview(); });
    press("print-end", function () { dialog.close(); });
    ["paper", "upright"].forEach(function (id) { document.getElementById(id).addEventListener("change", function () { plan.preview(); }); });
    press("print-png", function () {
      plan.sheet_png(function (blob, paper) {
        var link = node("a", { href: URL.createObjectURL(blob), download: plan.settings.sheet.file + "-" + paper + ".png" });
        link.click();
        setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
        document.getElementById("print-said").textContent = plan.ui.png_saved;
      });
    });
    press("print-paper", function () { plan.print_sheet(); });
  }
});
