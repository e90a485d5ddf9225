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

/* What the view holds, in words: how many communities of how many, the month and the county where one is chosen. */
Plan.prototype.summary = function () {
  var plan = this, on = plan.on(), place = document.getElementById("in-view"), name = plan.spoken(on);
  if (!name && on.length) return;  // layers of tiles say in the legend what they hold
  var text = name ? plan.holds(name) : plan.ui.in_view_none;
  if (place && place.textContent !== text) place.textContent = text;
};

/* The layer whose features the view is said to hold: the communities, also by their states, else the uppermost that is on. */
Plan.prototype.spoken = function (on) {
  var plan = this, plain = on.filter(function (name) { return !plan.units[name]; });
  var shown = plan.order.indexOf("communities") >= 0 && plain.some(function (name) { return plan.read(name).source === "communities"; });
  return shown ? "communities" : plain[plain.length - 1];
};

Plan.prototype.holds = function (name) {
  var plan = this, layer = plan.read(name), within = plan.centres(layer).inside(plan.map.getBounds()), inside = 0, all = 0;
  for (var row = 0; row < layer.ids.length; row += 1) {
    if (!plan.has(layer, row)) continue;
    all += 1;
    if (within(row)) inside += 1;
  }
  if (plan.county < 0) all = layer.count;
  var text = plan.ui.in_view.replace("{layer}", function () { return layer.label; }).replace("{n}", inside).replace("{all}", all);
  if (plan.county >= 0) text += " · " + plan.settings.counties[plan.county].name;
  return plan.month ? text + " · " + plan.month : text;
};

/* As near as all of `bounds` stands clear of what lies over the map's foot. */
Plan.prototype.fit = function (bounds) {
  this.map.fitBounds(bounds, { animate: false, paddingBottomRight: [0, this.covered()] });
};

/* The address keeps the view, the layers and the selection, so a link shows the same map. */
Plan.prototype.address = function () {
  var plan = this, centre = plan.map.getCenter();
  var text = "#" + [plan.map.getZoom(), centre.lat.toFixed(5), centre.lng.toFixed(5)].join("/");
  Plan.parts.forEach(function (part) {
    var kept = part.write ? part.write(plan) : null;
    if (kept !== null && kept !== undefined) text += "&" + part.key + "=" + kept;
  });
  return text;
};

Plan.prototype.remember = function () {
  if (!this.ready) return;
  var text = this.address();
  if (text !== location.hash) {
    try { history.replaceState(null, "", text); } catch (error) { /* a page opened inside another may not */ }
  }
};

/* The parts read theirs in their own order, whatever the order in the address; what cannot be read is left out. */
Plan.prototype.restore = function () {
  var plan = this, kept = {};
  location.hash.slice(1).split("&").forEach(function (pair) {
    var at = pair.indexOf("=");
    if (at > 0) kept[pair.slice(0, at)] = pair.slice(at + 1);
  });
  var view = /^#([\d.]+)\/(-?[\d.]+)\/(-?[\d.]+)/.exec(location.hash);
  if (view) plan.map.setView([Number(view[2]), Number(view[3])], Number(view[1]), { animate: false });
  Plan.parts.forEach(function (part) {
    if (!part.read || kept[part.key] === undefined) return;
    try { part.read(plan, kept[part.key]); } catch (error) { if (!(error instanceof URIError)) throw error; }
  });
};

Plan.prototype.start = function () {
  var plan = this, map = plan.map;
  plan.apply();
  plan.stack();
  map.on("click", function (event) { plan.touch(event.latlng); });
  map.on("zoomend", function () { plan.apply(); });
  map.on("moveend zoomend resize", function () { plan.changed(); });
  map.on("popupclose", function () { plan.selected = null; plan.highlight(null); plan.changed(); });
  Plan.parts.forEach(function (part) { if (part.start) part.start(plan); });
  if (plan.covered()) plan.fit(plan.home);
  plan.restore();
  plan.ready = true;
  plan.changed();
  document.body.setAttribute("data-ready", "true");
};

/* --- the parts every page has ---------------------------------------------------------------- */

function press(id, action) {
  var button = document.getElementById(id);
  if (button) button.addEventListener("click", action);
}

Plan.parts.push({
  key: "on",
  start: function (plan) {
    Array.prototype.forEach.call(document.querySelectorAll("input[data-layer]"), function (box) {
      box.addEventListener("change", function () { plan.show(box.getAttribute("data-layer"), box.checked); });
    });
    var names = document.getElementById("show-names");
    if (names) names.addEventListener("change", function () { plan.changed(); });
  },
  write: function (plan) { return plan.on().map(encodeURIComponent).join(","); },
  read: function (plan, text) {
    var on = text.split(",").map(decodeURIComponent);
    plan.order.forEach(function (name) { plan.show(name, on.indexOf(name) >= 0); });
  }
});

Plan.parts.push({
  start: function (plan) {
    var map = plan.map;
    press("home-button", function () { map.closePopup(); plan.fit(plan.home); plan.panel(false); });
    press("panel-button", function () { plan.panel(!document.body.classList.contains("panel-open")); });
    // The same choice as on the pages of the site beside the map.
    function large(on) {
      document.body.classList.toggle("large", on);
      document.getElementById("large-button").setAttribute("aria-pressed", String(on));
      map.invalidateSize({ animate: false });
      plan.changed();
    }
    try { if (localStorage.getItem("large-type") === "yes") large(true); } catch (error) { /* storage may be forbidden */ }
    press("large-button", function () {
      var on = !document.body.classList.contains("large");
      large(on);
      try { localStorage.setItem("large-type", on ? "yes" : "no"); } catch (error) { /* the same */ }
    });
    map.on("popupopen popupclose", function (event) { document.body.classList.toggle("card-open", event.type === "popupopen"); });
    window.addEventListener("beforeprint", function () { map.invalidateSize({ animate: false }); });
  }
});

window.openPlan = function (map) {
  var settings = block("settings");
  L.control.zoom({ position: "topright", zoomInTitle: settings.ui.zoom_in, zoomOutTitle: settings.ui.zoom_out }).addTo(map);
  L.control.scale({ imperial: false, position: "bottomright", maxWidth: 140 }).addTo(map);
  map.attributionControl.setPrefix("Leaflet");
  // On the map itself, where no panel hides it and an embedded map and a picture of the screen keep it.
  map.attributionControl.addAttribution(settings.number);
  if (settings.attribution) map.attributionControl.addAttribution(settings.attribution);
  var pane = map.createPane("names");
  pane.style.zIndex = 640;
  pane.style.pointerEvents = "none";
  window.plan = new Plan(map, settings);
  map.fitBounds(window.plan.home, { animate: false });
  return window.plan;
};
