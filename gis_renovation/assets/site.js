/* The choice of large type is kept from page to page; without a script the switch works on each page by itself. */
(function () {
  var box = document.getElementById("large");
  if (!box) return;
  try { box.checked = localStorage.getItem("large-type") === "yes"; } catch (error) { /* storage may be forbidden */ }
  box.addEventListener("change", function () {
    try { localStorage.setItem("large-type", box.checked ? "yes" : "no"); } catch (error) { /* the same */ }
  });
})();
