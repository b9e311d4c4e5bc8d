"use strict";
// Titles of the table become buttons that sort it; rows without a value stay at the end.
for (const hint of document.querySelectorAll(".hint")) hint.hidden = false;
for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0];
  const titles = [...table.tHead.rows[0].cells];
  const value = (row, column) => {
    const text = row.cells[column].dataset.value;
    const figure = Number.parseFloat(text);
    return text === undefined || text === "" ? null : Number.isNaN(figure) ? text : figure;
  };
  titles.forEach((title, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...title.childNodes);
    title.append(button);
    button.addEventListener("click", () => {
      const before = title.getAttribute("aria-sort");
      const up = before ? before === "descending" : title.dataset.first === "up";
      for (const other of titles) other.removeAttribute("aria-sort");
      title.setAttribute("aria-sort", up ? "ascending" : "descending");
      const rows = [...body.rows].sort((one, two) => {
        const a = value(one, column), b = value(two, column);
        if (a === null || b === null) return (a === null) - (b === null);
        const order = typeof a === "string" ? a.localeCompare(b) : a - b;
        return up ? order : -order;
      });
      body.append(...rows);
    });
  });
}
