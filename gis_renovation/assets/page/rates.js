/* --- rates of the units: the reader chooses which ---------------------------------------------- */

/* Which class a value falls into: as many as there are breaks at or below it; unknown is the last class. */
function classOf(value, breaks) {
  if (typeof value !== "number") return breaks.length + 1;
  return breaks.filter(function (edge) { return value >= edge; }).length;
}

Plan.prototype.rate = function (name, wanted) {
  var plan = this, layer = plan.read(name), at = -1;
  layer.columns.forEach(function (column, place) { if (column.name === wanted) at = place; });
  if (!layer.rates || layer.rates.columns.indexOf(wanted) < 0 || at < 0) return;
  layer.rates.chosen = wanted;
  layer.label_column = at;
  layer.cls = layer.ids.map(function (id, row) { return classOf(cell(layer.columns[at], row), layer.rates.breaks); });
  plan.groups[name].repaint();
  plan.recount(name);
  plan.changed();
};

Plan.parts.push({
  key: "rate",
  start: function (plan) {
    Array.prototype.forEach.call(document.querySelectorAll("select[data-rate]"), function (pick) {
      pick.addEventListener("change", function () { plan.rate(pick.getAttribute("data-rate"), pick.value); });
    });
  },
  write: function (plan) {
    var kept = plan.on().filter(function (name) { var r = plan.read(name).rates; return r && r.chosen && r.chosen !== r.columns[0]; });
    return kept.length ? kept.map(function (name) { return encodeURIComponent(name + ":" + plan.read(name).rates.chosen); }).join(",") : null;
  },
  read: function (plan, text) {
    text.split(",").map(decodeURIComponent).forEach(function (pair) {
      var name = pair.slice(0, pair.lastIndexOf(":")), column = pair.slice(pair.lastIndexOf(":") + 1);
      Array.prototype.forEach.call(document.querySelectorAll("select[data-rate]"), function (pick) {
        if (pick.getAttribute("data-rate") !== name) return;
        pick.value = column;
        plan.rate(name, column);
      });
    });
  }
});
