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

Plan.parts.push({
  key: "month",
  start: function (plan) { plan.months(); },
  write: function (plan) { return plan.month || null; },
  read: function (plan, text) { plan.turn(text); }
});
