/* --- schemes on top of each other: the reader chooses which is shown ---------------------------- */

/* One scheme of a layer, which is switched on; the zones of the chosen scheme would lie under it unseen. */
Plan.prototype.scheme = function (name, wanted) {
  var plan = this, layer = plan.read(name);
  if (!layer.schemes || !(wanted >= 0 && wanted < layer.schemes.titles.length)) return;
  layer.schemes.at = wanted;
  schemeChoices().forEach(function (pick) { if (pick.getAttribute("data-scheme") === name) pick.value = String(wanted); });
  if (plan.groups[name].sift) plan.groups[name].sift();
  plan.recount(name);
  plan.apply();
  if (plan.refill) plan.refill();
  if (plan.retell) plan.retell();
  plan.changed();
};

function schemeChoices() {
  return Array.prototype.slice.call(document.querySelectorAll("select[data-scheme]"));
}

Plan.parts.push({
  key: "scheme",
  start: function (plan) {
    schemeChoices().forEach(function (pick) {
      var name = pick.getAttribute("data-scheme");
      pick.value = String(plan.read(name).schemes.at);  // a browser that reloads the page would keep an older choice
      plan.recount(name);
      pick.addEventListener("change", function () {
        if (plan.wanted.zones) plan.show("zones", false);
        plan.show(name, true);
        plan.scheme(name, Number(pick.value));
      });
    });
  },
  write: function (plan) {
    var kept = schemeChoices().map(function (pick) { return pick.getAttribute("data-scheme"); });
    kept = kept.filter(function (name) { return plan.wanted[name]; });
    return kept.length ? kept.map(function (name) { return encodeURIComponent(name + ":" + plan.read(name).schemes.at); }).join(",") : null;
  },
  read: function (plan, text) {
    text.split(",").map(decodeURIComponent).forEach(function (pair) {
      var at = pair.lastIndexOf(":"), name = pair.slice(0, at);
      if (plan.order.indexOf(name) >= 0) plan.scheme(name, Number(pair.slice(at + 1)));
    });
  }
});
