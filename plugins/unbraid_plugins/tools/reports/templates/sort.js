// Tables that are sorted by a column: a button in every heading, pressed by mouse or keyboard.
document.querySelectorAll("table.sortable").forEach((table) => {
  const body = table.tBodies[0], said = document.getElementById("said");
  const heads = [...table.tHead.rows[table.tHead.rows.length - 1].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    const name = head.dataset.name || button.textContent.trim();
    button.addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const first = head.dataset.better === "lower" || head.dataset.text !== undefined ? "ascending" : "descending";
      const next = before === null ? first : before === "ascending" ? "descending" : "ascending";
      heads.forEach((h) => h.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", next);
      const sign = next === "ascending" ? 1 : -1;
      const value = (row) => row.cells[column].dataset.value ?? "";
      [...body.rows].sort((a, b) => {
        const x = value(a), y = value(b);
        if (x === "" || y === "") return (x === "") - (y === "");
        const order = head.dataset.text !== undefined ? x.localeCompare(y, "en", {numeric: true}) : x - y;
        return sign * order;
      }).forEach((row) => body.append(row));
      said.textContent = `sorted by ${name}, ${next}`;
    });
  });
});
