/* --- one county ------------------------------------------------------------------------------- */

/* Whether a feature is of the chosen county, and of the scheme shown; layers of the base map are of every county. */
Plan.prototype.has = function (layer, row) {
  if (layer.schemes && layer.schemes.rows[row] !== layer.schemes.at) return false;
  return this.county < 0 || !layer.county || layer.county[row] === this.county;
};

Plan.prototype.choose = function (place, options) {
  var plan = this, said = document.getElementById("county-said"), county = plan.settings.counties[place];
  plan.county = county ? place : -1;
  if (said) {
    countyChoices()[plan.county + 1].checked = true;
    said.textContent = plan.ui.county_chosen.replace("{name}", function () { return county ? county.name : plan.ui.all_counties; });
  }
  plan.order.forEach(function (name) { if (plan.groups[name].sift) plan.groups[name].sift(); });
  plan.outline();
  plan.recount();
  plan.apply();
  if (!options || options.move) plan.fit(county ? L.latLngBounds(county.bounds) : plan.home);
  if (plan.refill) plan.refill();
  if (plan.retell) plan.retell();
  plan.changed();
};

/* The chosen county stands out: what lies outside is veiled. */
Plan.prototype.outline = function () {
  var plan = this, name = "reporting_units", rows, item;
  if (plan.veil) { plan.map.removeLayer(plan.veil); plan.veil = null; }
  if (plan.county < 0 || plan.order.indexOf(name) < 0) return;
  rows = plan.read(name).ids.map(String).indexOf(plan.settings.counties[plan.county].code);
  if (rows < 0) return;
  item = plan.item(name, rows);
  var rings = [[[-89, -179], [-89, 179], [89, 179], [89, -179]]];
  item.getLatLngs().forEach(function (part) { rings.push(part[0]); });
  plan.veil = L.polygon(rings, { pane: "veil", renderer: plan.veil_renderer, interactive: false, stroke: true, color: "#17486f", weight: 2.5, fillColor: "#ffffff", fillOpacity: 0.62 });
  plan.veil.addTo(plan.map);
};

/* The numbers of the legend: of the chosen county, and of the classes as they are now. */
Plan.prototype.recount = function (only) {
  var plan = this;
  Array.prototype.forEach.call(document.querySelectorAll("input[data-layer]"), function (box) {
    var name = box.getAttribute("data-layer"), entry = box.closest(".entry"), counts = entry.querySelectorAll("[data-class]");
    if ((only && only !== name) || plan.units[name]) return;
    var layer = plan.read(name), by_class = {}, all = 0;
    layer.ids.forEach(function (id, row) {
      if (!plan.has(layer, row)) return;
      all += 1;
      by_class[layer.cls[row]] = (by_class[layer.cls[row]] || 0) + 1;
    });
    var sum = entry.querySelector("[data-all]"), filtered = (plan.county >= 0 && layer.county) || layer.schemes;
    sum.textContent = (filtered ? number(all, 0) + " / " : "") + number(layer.count, 0);
    Array.prototype.forEach.call(counts, function (count) {
      count.textContent = number(by_class[count.getAttribute("data-class")] || 0, 0);
    });
  });
};

/* All of them, then each county in the order of the settings. */
function countyChoices() {
  return Array.prototype.slice.call(document.querySelectorAll('input[name="county"]'));
}

Plan.parts.push({
  key: "county",
  start: function (plan) {
    var pane = plan.map.createPane("veil");
    pane.style.zIndex = 390;
    pane.style.pointerEvents = "none";
    plan.veil_renderer = L.svg({ pane: "veil", padding: 1 });
    countyChoices().forEach(function (choice, at) {
      choice.checked = at === 0;  // a browser that reloads the page would keep an older choice
      choice.addEventListener("change", function () { plan.choose(at - 1); });
    });
  },
  write: function (plan) { return plan.county < 0 ? null : encodeURIComponent(plan.settings.counties[plan.county].code); },
  read: function (plan, text) {
    var code = decodeURIComponent(text);
    plan.settings.counties.forEach(function (county, place) { if (county.code === code) plan.choose(place, { move: false }); });
  }
});
