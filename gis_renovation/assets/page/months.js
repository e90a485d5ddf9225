/* --- months, and two of them side by side ------------------------------------------------------ */

/* The layer of states that is switched on, if any: its months are what the slider turns. */
Plan.prototype.monthly = function () {
  var plan = this, name = plan.on().filter(function (one) { return plan.read(one).months; })[0];
  return name ? plan.read(name) : null;
};

/* The place of a month in the list of the page; without one, the last. */
Plan.prototype.month_at = function () {
  var months = this.settings.months, at = months.indexOf(this.month);
  return at < 0 ? months.length - 1 : at;
};

/* How many features of the layer are in each class at the end of a month, in words. */
Plan.prototype.tally = function (layer, at) {
  var plan = this, counts = {};
  layer.months.cls[at].forEach(function (c, row) { if (plan.has(layer, row)) counts[c] = (counts[c] || 0) + 1; });
  return layer.months.class_labels.map(function (label, c) { return counts[c] ? label + " " + counts[c] : ""; }).filter(Boolean).join(" · ");
};

/* Turn every sign that speaks of the works to the end of one month: shapes, legend, open card. */
Plan.prototype.turn = function (at, quiet) {
  var plan = this, layer = plan.monthly(), range = document.getElementById("months-range"), said = document.getElementById("months-said");
  if (!layer) return;
  layer.cls = layer.months.cls[at];
  plan.month = at === layer.months.labels.length - 1 ? null : layer.months.labels[at];
  plan.groups[layer.name].repaint();
  plan.recount(layer.name);
  said.textContent = layer.months.labels[at] + "  " + plan.tally(layer, at);
  range.value = at;
  range.setAttribute("aria-valuetext", said.textContent);
  if (plan.selected) plan.redeal();
  if (!quiet) plan.changed();
};

Plan.prototype.months = function () {
  var plan = this, bar = document.getElementById("months"), range = document.getElementById("months-range");
  var play = document.getElementById("months-play"), timer = null;
  if (!bar) return;
  function stop() { clearInterval(timer); timer = null; play.textContent = plan.ui.play; }
  range.addEventListener("input", function () { stop(); plan.turn(Number(range.value)); });
  play.addEventListener("click", function () {
    var layer = plan.monthly();
    if (timer || !layer) { stop(); return; }
    var at = Number(range.value), last = layer.months.labels.length - 1;
    if (at >= last) at = -1;
    play.textContent = plan.ui.pause;
    timer = setInterval(function () { at += 1; plan.turn(at); if (at >= last) stop(); }, 900);
  });
  plan.retell = function () { if (plan.monthly()) plan.turn(plan.month_at(), true); plan.compare_again(); };
  plan.months_changed = function () {
    var layer = plan.monthly();
    if (bar.hidden === !layer) return;
    bar.hidden = !layer;
    document.body.classList.toggle("months-open", Boolean(layer));
    if (layer) { range.max = layer.months.labels.length - 1; plan.turn(layer.months.labels.length - 1, true); return; }
    stop();
    plan.month = null;
    plan.compare(null);
    if (plan.selected) plan.redeal();
  };
  plan.months_changed();
};

Plan.parts.push({
  key: "month",
  start: function (plan) { plan.months(); },
  write: function (plan) { return plan.month && !plan.pair ? plan.month : null; },
  read: function (plan, text) { if (plan.settings.months.indexOf(text) >= 0) plan.turn(plan.settings.months.indexOf(text), true); }
});
