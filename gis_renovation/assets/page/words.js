/* Elements, data blocks, and values as words. Values of attributes only ever become text nodes (textContent);
   nothing on the page parses HTML from data. */

function node(tag, attributes, text) {
  var element = document.createElement(tag);
  Object.keys(attributes || {}).forEach(function (key) { element.setAttribute(key, attributes[key]); });
  if (text !== undefined && text !== null) element.textContent = String(text);
  return element;
}

function block(id) {
  var element = document.getElementById(id);
  return element ? JSON.parse(element.textContent) : null;
}

/* --- values to words ------------------------------------------------------------------------ */

function cell(column, row) {
  var value = column.data[row];
  return value !== null && column.dict ? column.dict[value] : value;
}

function words(column, value, ui) {
  if (value === null || value === undefined) return ui.unknown;
  if (value === "") return "—";
  if (typeof value === "boolean") return value ? ui.yes : ui.no;
  if (column.labels) {
    return Object.prototype.hasOwnProperty.call(column.labels, value) ? column.labels[value] : String(value);
  }
  return typeof value === "number" ? measured(column, value, ui) : String(value);
}

/* A number with its unit: shares in percent, large sums of money in ten thousands, years as they are. */
function measured(column, value, ui) {
  var size = Math.abs(value), unit = column.unit ? " " + column.unit : "";
  if (column.share) return number(value * 100, 1) + "%";
  if (column.money && size >= 10000) return number(value / 10000, 2) + " " + ui.myriad_yuan;
  return (column.plain ? String(value) : number(value, size >= 100 ? 0 : 2)) + unit;
}

/* The same in one row: a number that its source gives as approximate says so. */
function told(column, row, value, ui) {
  var text = words(column, value, ui);
  return column.about && column.about[row] && typeof value === "number" ? ui.about.replace("{n}", text) : text;
}

/* Up to `digits` decimals, thousands by commas; toLocaleString would load a language's tables for it. */
function number(value, digits) {
  var parts = Math.abs(value).toFixed(digits).split("."), rest = (parts[1] || "").replace(/0+$/, "");
  var text = parts[0].replace(/\B(?=(\d{3})+$)/g, ",") + (rest ? "." + rest : "");
  return (value < 0 && /[1-9]/.test(text) ? "-" : "") + text;
}
