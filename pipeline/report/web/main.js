// The page is readable without this script: it adds order, filters, details and the choice of light or dark.

const startTheme = (redraw) => {
  const button = document.getElementById("theme");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const now = () => document.documentElement.dataset.theme || (dark.matches ? "dark" : "light");
  const name = () => {
    button.setAttribute("aria-pressed", String(now() === "dark"));
    redraw();
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    document.documentElement.dataset.theme = now() === "dark" ? "light" : "dark";
    name();
  });
  dark.addEventListener("change", name);
  name();
};

const start = async () => {
  let panel = null;
  startTheme(() => panel && panel.redraw());
  if (!document.getElementById("data")) return;
  const data = await readData();
  nameOrders(data);
  const form = document.getElementById("filters");
  let table = null;
  const picks = startPicks(data, () => table.tick());
  panel = startPanel(data, () => table.rows(), picks);
  table = startTable(data, form, panel.open, picks);
  startFilters(form, () => table.filter());
  document.querySelectorAll("[data-scripted]").forEach((part) => {
    part.hidden = false;
  });
  document.documentElement.dataset.ready = "";
  performance.mark("ready");
};

start().catch((fault) => {
  const told = document.getElementById("broken");
  if (told) told.hidden = false;
  throw fault;
});
