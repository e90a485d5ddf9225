/* --- tools of the map: measure, full screen, where am I ----------------------------------------- */

/* One message to the reader, seen and heard, until the next or until it is closed. */
Plan.prototype.tell = function (text) {
  var box = document.getElementById("message");
  box.hidden = !text;
  box.querySelector("p").textContent = text || "";
};

/* The next clicks go to `tool`, by keyboard the Enter key at the cross; null gives them back to the map. */
Plan.prototype.point_at = function (tool) {
  this.tool = tool;
  document.body.classList.toggle("pointing", Boolean(tool));
};

function lengthWords(metres) {
  return number(metres, metres < 100 ? 1 : 0) + " m" + (metres >= 1000 ? " = " + number(metres / 1000, 2) + " km" : "");
}

function areaWords(square, ui) {
  return [number(square, square < 100 ? 1 : 0) + " m²", number(square / MU_M2, 2) + " " + ui.mu, number(square / 10000, 2) + " ha"].join(" = ");
}

/* Distance or area of what the reader marks; by keyboard at the cross in the middle of the map. */
function Measure(plan) {
  this.plan = plan;
  this.places = [];
  this.area = false;
  this.drawn = L.layerGroup();
}

Measure.prototype.add = function (place) { this.places.push(place.wrap()); this.draw(); };

Measure.prototype.text = function () {
  var ui = this.plan.ui, places = this.places, length = 0;
  if (places.length < 2) return ui.measure_start;
  places.forEach(function (place, at) { if (at) length += geodesic(places[at - 1], place) || 0; });
  if (!this.area) return ui.distance + " " + lengthWords(length);
  if (places.length < 3) return ui.measure_more;
  return ui.area + " " + areaWords(areaOf(places), ui) + "; " + ui.around + " " + lengthWords(length + (geodesic(places[places.length - 1], places[0]) || 0));
};

Measure.prototype.draw = function () {
  var drawn = this.drawn.clearLayers(), look = { color: "#8a1c6b", weight: 3, dashArray: "8 4", fillColor: "#8a1c6b", fillOpacity: 0.12, interactive: false, renderer: this.plan.renderer };
  if (this.places.length > 1) drawn.addLayer((this.area && this.places.length > 2 ? L.polygon : L.polyline)(this.places, look));
  this.places.forEach(function (place) { drawn.addLayer(L.circleMarker(place, Object.assign({}, look, { radius: 4, fillOpacity: 1, dashArray: null }))); });
  document.getElementById("measure-said").textContent = this.text();
};

Measure.prototype.toggle = function (on) {
  var plan = this.plan, button = document.getElementById("measure-button"), tool = this;
  document.getElementById("measure").hidden = !on;
  document.body.classList.toggle("measuring", on);
  if (on) plan.tell("");
  button.setAttribute("aria-pressed", String(on));
  plan.point_at(on ? function (place) { tool.add(place); } : null);
  this.places = [];
  plan.map.closePopup();
  plan.map[on ? "addLayer" : "removeLayer"](this.drawn);
  this.draw();
  if (!on) button.focus();
};

Plan.parts.push({
  start: function (plan) {
    var tool = new Measure(plan), panel = document.getElementById("measure");
    plan.measure = tool;
    press("measure-button", function () { tool.toggle(panel.hidden); });
    press("measure-middle", function () { tool.add(plan.map.getCenter()); });
    press("measure-undo", function () { tool.places.pop(); tool.draw(); });
    press("measure-clear", function () { tool.places = []; tool.draw(); });
    press("measure-end", function () { tool.toggle(false); });
    Array.prototype.forEach.call(panel.querySelectorAll("input[name=measured]"), function (choice) {
      choice.addEventListener("change", function () { tool.area = choice.value === "area" && choice.checked; tool.draw(); });
    });
    panel.addEventListener("keydown", function (event) { if (event.key === "Escape") tool.toggle(false); });
    plan.map.getContainer().addEventListener("keydown", function (event) {
      if (!plan.tool || event.target !== plan.map.getContainer()) return;
      if (event.key === "Enter") plan.tool(plan.map.getCenter());
      if (event.key !== "Escape") return;
      if (!panel.hidden) { tool.toggle(false); return; }
      plan.point_at(null);
      plan.tell("");
    });
    press("message-close", function () { if (panel.hidden) plan.point_at(null); plan.tell(""); plan.map.getContainer().focus({ preventScroll: true }); });
  }
});

Plan.parts.push({
  start: function (plan) {
    var button = document.getElementById("full-button");
    press("full-button", function () {
      if (document.fullscreenElement) { document.exitFullscreen(); return; }
      if (!document.documentElement.requestFullscreen) { plan.tell(plan.ui.full_refused); return; }
      document.documentElement.requestFullscreen().catch(function () { plan.tell(plan.ui.full_refused); });
    });
    document.addEventListener("fullscreenchange", function () {
      button.setAttribute("aria-pressed", String(Boolean(document.fullscreenElement)));
      plan.map.invalidateSize({ animate: false });
    });
  }
});

/* Asked for by the reader only; the place stays on the page and in no address. */
Plan.prototype.locate = function () {
  var plan = this, ui = plan.ui;
  if (location.protocol === "file:") { plan.tell(ui.locate_file); return; }
  if (!window.isSecureContext || !navigator.geolocation) { plan.tell(ui.locate_insecure); return; }
  plan.tell(ui.locate_waiting);
  navigator.geolocation.getCurrentPosition(function (found) {
    var place = L.latLng(found.coords.latitude, found.coords.longitude), look = { color: "#b3261e", fillColor: "#b3261e", renderer: plan.renderer, interactive: false };
    if (plan.here) plan.map.removeLayer(plan.here);
    plan.here = L.layerGroup([
      L.circle(place, Object.assign({ radius: found.coords.accuracy, weight: 1, fillOpacity: 0.12 }, look)),
      L.circleMarker(place, Object.assign({ radius: 6, weight: 2, fillOpacity: 1 }, look, { color: "#fff" }))
    ]).addTo(plan.map);
    plan.map.setView(place, Math.max(15, plan.map.getZoom()), { animate: false });
    plan.tell(ui.locate_found.replace("{m}", number(found.coords.accuracy, 0)));
  }, function (error) {
    plan.tell(error.code === 1 ? ui.locate_refused : ui.locate_failed);
  }, { enableHighAccuracy: true, timeout: 15000, maximumAge: 0 });
};

Plan.parts.push({ start: function (plan) { press("locate-button", function () { plan.locate(); }); } });
