/* --- what people add to a map at their notebook ---------------------------------------------------
   folium's markers, icons and popups are written for libraries that the page does not have. Here is the little
   of these that they ask for; what their makers wrote is parsed as HTML, as it is in folium. */

/* Popups: the elements of a piece of HTML. */
window.$ = function (html) {
  var template = document.createElement("template");
  template.innerHTML = String(html).trim();
  return template.content.childNodes;
};

/* Icons: a pin of the colour that was asked for, without a sign on it. */
L.AwesomeMarkers = {
  icon: function (options) {
    var colour = /^[a-z]+$/i.test(options.markerColor || "") ? options.markerColor : "blue";
    var pin = '<svg width="26" height="38" viewBox="0 0 26 38"><path d="M13 37C13 29 1 23 1 13a12 12 0 1 1 24 0c0 10-12 16-12 24z" fill="' + colour +
      '" stroke="#fff" stroke-width="1.5"/><circle cx="13" cy="13" r="4.5" fill="#fff"/></svg>';
    return L.divIcon({ className: "guest-pin", html: pin, iconSize: [26, 38], iconAnchor: [13, 37], popupAnchor: [0, -34], tooltipAnchor: [10, -24] });
  }
};

/* Markers without an icon: the library's own picture, which stands in the page's style sheet. */
Plan.parts.push({
  start: function () {
    var probe = document.body.appendChild(node("div", { "class": "leaflet-default-icon-path" }));
    var picture = getComputedStyle(probe).backgroundImage.replace(/^url\(["']?|["']?\)$/g, "");
    probe.remove();
    delete L.Icon.Default.prototype._getIconUrl;
    L.Icon.Default.mergeOptions({ iconUrl: picture, iconRetinaUrl: picture, shadowUrl: null });
  }
});
