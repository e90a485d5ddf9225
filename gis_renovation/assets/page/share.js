/* --- a link to this view, and a frame for other pages -------------------------------------------- */

/* The frame for another page: this view without what stands around the map. */
Plan.prototype.frame_code = function () {
  var frame = document.createElement("iframe"), page = location.href.split("#")[0];
  frame.setAttribute("src", page + this.address() + "&embed=1");
  frame.setAttribute("title", document.title);
  [["width", "100%"], ["height", "520"], ["loading", "lazy"], ["style", "border:1px solid #b9c4cd"], ["allow", "fullscreen"]]
    .forEach(function (pair) { frame.setAttribute(pair[0], pair[1]); });
  return frame.outerHTML;
};

function copyField(plan, field) {
  field.focus();
  field.select();
  function said(done) { document.getElementById("share-said").textContent = done ? plan.ui.copied : plan.ui.copy_by_hand; }
  if (navigator.clipboard && window.isSecureContext) {
    navigator.clipboard.writeText(field.value).then(function () { said(true); }, function () { said(false); });
  } else {
    said(document.execCommand && document.execCommand("copy"));
  }
}

Plan.parts.push({
  key: "embed",
  start: function (plan) {
    var dialog = document.getElementById("share"), link = document.getElementById("share-link"), code = document.getElementById("share-code");
    press("share-button", function () {
      link.value = location.href.split("#")[0] + plan.address();
      code.value = plan.frame_code();
      document.getElementById("share-said").textContent = location.protocol === "file:" ? plan.ui.share_file : "";
      dialog.showModal();
    });
    press("share-copy-link", function () { copyField(plan, link); });
    press("share-copy-code", function () { copyField(plan, code); });
    press("share-end", function () { dialog.close(); });
  },
  write: function (plan) { return plan.embedded ? 1 : null; },
  /* In a frame a turned wheel belongs to the page around it, until the reader has clicked on the map. */
  read: function (plan, text) {
    if (text !== "1") return;
    plan.embedded = true;
    document.body.classList.add("embed");
    plan.map.scrollWheelZoom.disable();
    plan.map.once("click focus", function () { plan.map.scrollWheelZoom.enable(); });
    document.getElementById("embed-open").href = location.href.split("#")[0] + location.hash.replace(/&embed=1/, "");
    plan.map.invalidateSize({ animate: false });
  }
});
