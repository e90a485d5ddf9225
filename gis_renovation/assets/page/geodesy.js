/* --- lengths and areas on the ellipsoid ---------------------------------------------------------
   CGCS2000 (GB/T 33178): semi-major axis 6378137 m, flattening 1/298.257222101. */

var AXIS = 6378137, FLATTENING = 1 / 298.257222101, MU_M2 = 2000 / 3;

/* Metres along the geodesic between two places, after Vincenty (1975); null for places nearly opposite each other. */
function geodesic(from, to) {
  var b = AXIS * (1 - FLATTENING), rad = Math.PI / 180, u1 = Math.atan((1 - FLATTENING) * Math.tan(from.lat * rad));
  var u2 = Math.atan((1 - FLATTENING) * Math.tan(to.lat * rad)), across = (to.lng - from.lng) * rad, lambda = across;
  for (var turn = 0; turn < 100; turn += 1) {
    var cu = Math.cos(u2) * Math.sin(lambda), cv = Math.cos(u1) * Math.sin(u2) - Math.sin(u1) * Math.cos(u2) * Math.cos(lambda);
    var sin = Math.hypot(cu, cv), cos = Math.sin(u1) * Math.sin(u2) + Math.cos(u1) * Math.cos(u2) * Math.cos(lambda);
    if (sin === 0) return 0;
    var arc = Math.atan2(sin, cos), azimuth = Math.cos(u1) * Math.cos(u2) * Math.sin(lambda) / sin, square = 1 - azimuth * azimuth;
    var mid = square === 0 ? 0 : cos - 2 * Math.sin(u1) * Math.sin(u2) / square;
    var c = FLATTENING / 16 * square * (4 + FLATTENING * (4 - 3 * square)), before = lambda;
    lambda = across + (1 - c) * FLATTENING * azimuth * (arc + c * sin * (mid + c * cos * (2 * mid * mid - 1)));
    if (Math.abs(lambda - before) < 1e-12) {
      var u = square * (AXIS * AXIS - b * b) / (b * b);
      var p = 1 + u / 16384 * (4096 + u * (u * (320 - 175 * u) - 768)), q = u / 1024 * (256 + u * (u * (74 - 47 * u) - 128));
      return b * p * (arc - q * sin * (mid + q / 4 * (cos * (2 * mid * mid - 1) - q / 6 * mid * (4 * sin * sin - 3) * (4 * mid * mid - 3))));
    }
  }
  return null;
}

/* q of the authalic latitude (Snyder 1987, eq. 3-12): equal areas on the sphere of the same surface. */
function authalic(latitude) {
  var e2 = FLATTENING * (2 - FLATTENING), e = Math.sqrt(e2), sine = Math.sin(latitude * Math.PI / 180);
  return (1 - e2) * (sine / (1 - e2 * sine * sine) + Math.atanh(e * sine) / e);
}

/* Square metres inside a ring of places: great circles between the vertices on the authalic sphere. */
function areaOf(places) {
  if (places.length < 3) return 0;
  var pole = authalic(90), sum = 0, rad = Math.PI / 180;
  var half = places.map(function (place) { return Math.tan(Math.asin(authalic(place.lat) / pole) / 2); });
  places.forEach(function (place, at) {
    var next = (at + 1) % places.length, t = Math.tan((places[next].lng - place.lng) * rad / 2);
    sum += 2 * Math.atan2(t * (half[at] + half[next]), 1 + half[at] * half[next]);
  });
  return Math.abs(sum) * AXIS * AXIS * pole / 2;
}
