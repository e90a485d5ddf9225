/* The choice of large type is kept from page to page; without a script the switch works on each page by itself. */
(function () {
  var box = document.getElementById("large");
  if (!box) return;
  function follow() { document.documentElement.classList.toggle("large", box.checked); }
  try { box.checked = localStorage.getItem("large-type") === "yes"; } catch (error) { /* storage may be forbidden */ }
  follow();
  box.addEventListener("change", function () {
    follow();
    try { localStorage.setItem("large-type", box.checked ? "yes" : "no"); } catch (error) { /* the same */ }
  });
})();
