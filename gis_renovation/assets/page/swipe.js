/* --- two months side by side: left of the line the earlier, right of it the later --------------- */

/* One side: the layer once more, in the classes of one month, in a pane of its own that is cut at the line. */
function Side(plan, layer, pane, at) {
  var side = this;
  side.layer = Object.create(layer, { cls: { value: layer.months.cls[at] } });
  side.pane = plan.map.getPane(pane);
  if (plan.dense.indexOf(layer.name) >= 0) {
    side.group = new DenseLayer({ pane: pane });
    side.group.plan = plan;
    side.group.planName = layer.name;
    side.group.source = function () { return side.layer; };
    return;
  }
  var renderer = L.svg({ pane: pane, padding: 0.5 });
  side.group = L.layerGroup();
  layer.ids.forEach(function (id, row) {
    if (!plan.has(layer, row)) return;
    var item = shape(side.layer, row, renderer);
    item.options.pane = pane;
    item.on("click", function (event) { L.DomEvent.stopPropagation(event); if (plan.tool) plan.tool(event.latlng); else plan.open(layer.name, row, event.latlng); });
    side.group.addLayer(item);
  });
}

/* Show two months side by side; null ends it. `pair` = { from, to (places in the list), share (of the width) }. */
Plan.prototype.compare = function (pair) {
  var plan = this, layer = plan.monthly(), frame = document.getElementById("swipe");
  (plan.sides || []).forEach(function (side) { plan.map.removeLayer(side.group); });
  plan.sides = null;
  plan.pair = layer ? pair : null;
  document.body.classList.toggle("swiping", Boolean(plan.pair));
  if (!frame) return;
  frame.hidden = !plan.pair;
  document.getElementById("swipe-bar").hidden = !plan.pair;
  document.getElementById("months-bar").hidden = Boolean(plan.pair);
  if (plan.pair) plan.sides = [new Side(plan, layer, "swipe-left", pair.from), new Side(plan, layer, "swipe-right", pair.to)];
  plan.apply();
  if (!plan.pair) return;
  document.getElementById("swipe-from").value = pair.from;
  document.getElementById("swipe-to").value = pair.to;
  plan.tell_pair();
  plan.cut();
};

Plan.prototype.compare_again = function () { if (this.pair) this.compare(this.pair); };

/* What changed between the two months, in words; it is what a reader hears too. */
Plan.prototype.tell_pair = function () {
  var plan = this, layer = plan.monthly(), pair = plan.pair, changed = 0;
  layer.ids.forEach(function (id, row) {
    if (plan.has(layer, row) && layer.months.cls[pair.from][row] !== layer.months.cls[pair.to][row]) changed += 1;
  });
  var labels = layer.months.labels;
  document.getElementById("swipe-said").textContent = plan.ui.pair_changed.replace("{n}", changed).replace("{from}", labels[pair.from]).replace("{to}", labels[pair.to]);
  document.getElementById("swipe-left").textContent = labels[pair.from];
  document.getElementById("swipe-right").textContent = labels[pair.to];
};

/* Cut both sides at the line, in the moving coordinates of the map's panes. */
Plan.prototype.cut = function () {
  var plan = this, map = plan.map, range = document.getElementById("swipe-range");
  if (!plan.pair) return;
  var size = map.getSize(), x = size.x * plan.pair.share, corner = map.containerPointToLayerPoint([0, 0]);
  function clip(left, right) {
    var l = corner.x + left, r = corner.x + right, t = corner.y, b = corner.y + size.y;
    return "polygon(" + [[l, t], [r, t], [r, b], [l, b]].map(function (p) { return p[0] + "px " + p[1] + "px"; }).join(",") + ")";
  }
  plan.sides[0].pane.style.clipPath = clip(0, x);
  plan.sides[1].pane.style.clipPath = clip(x, size.x);
  document.getElementById("swipe-line").style.left = x + "px";
  range.value = Math.round(plan.pair.share * 100);
  range.setAttribute("aria-valuetext", plan.ui.pair_share.replace("{share}", Math.round(plan.pair.share * 100)));
};

Plan.parts.push({
  key: "pair",
  start: function (plan) {
    var frame = document.getElementById("swipe"), months = plan.settings.months, range = document.getElementById("swipe-range");
    if (!frame) return;
    ["swipe-left", "swipe-right"].forEach(function (name) { plan.map.createPane(name).style.zIndex = 410; });
    [["swipe-from", "from"], ["swipe-to", "to"]].forEach(function (pair) {
      var pick = document.getElementById(pair[0]);
      months.forEach(function (label, at) { pick.appendChild(node("option", { value: at }, label)); });
      pick.addEventListener("change", function () { plan.pair[pair[1]] = Number(pick.value); plan.compare(plan.pair); plan.changed(); });
    });
    press("months-pair", function () {
      var layer = plan.monthly();
      if (plan.map.getZoom() < plan.min_zoom[layer.name]) plan.map.setZoom(plan.min_zoom[layer.name], { animate: false });
      plan.turn(months.length - 1, true);
      plan.compare({ from: Math.max(0, months.length - 2), to: months.length - 1, share: 0.5 });
      range.focus();
      plan.changed();
    });
    press("swipe-end", function () { plan.compare(null); document.getElementById("months-pair").focus(); plan.changed(); });
    range.addEventListener("input", function () { plan.pair.share = Number(range.value) / 100; plan.cut(); plan.changed(); });
    plan.map.on("move zoomend resize viewreset", function () { plan.cut(); });
  },
  write: function (plan) {
    var months = plan.settings.months, pair = plan.pair;
    return pair ? [months[pair.from], months[pair.to], Math.round(pair.share * 100)].join(",") : null;
  },
  read: function (plan, text) {
    var parts = text.split(","), months = plan.settings.months, from = months.indexOf(parts[0]), to = months.indexOf(parts[1]);
    if (from >= 0 && to >= 0) plan.compare({ from: from, to: to, share: Math.min(1, Math.max(0, Number(parts[2]) / 100 || 0)) });
  }
});
