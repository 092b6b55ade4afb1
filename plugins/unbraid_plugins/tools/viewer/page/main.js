// The page: tabs from the server's description of the model.

import {describe, Drawing} from "./api.js";
import {control} from "./controls.js";
import {element, fresh} from "./dom.js";
import {showAll} from "./outputs.js";

const [title, subtitle, tabs, messages, views] = ["title", "subtitle", "tabs", "messages", "views"].map((id) => document.getElementById(id));
const opened = [];

start();

async function start() {
  let model;
  try {
    model = await describe((doing) => { subtitle.textContent = `${doing || "starting"} ...`; });
  } catch (error) {
    subtitle.textContent = "";
    messages.textContent = error.message;
    return;
  } finally {
    document.getElementById("progress").remove();
  }
  document.title = `${model.title} - Unbraid`;
  title.textContent = model.title;
  subtitle.textContent = [model.paper, `step ${model.step.toLocaleString("en")}`, model.reference].filter(Boolean).join("  |  ");
  for (const text of [model.note, ...model.problems].filter(Boolean)) views.before(element("p", {class: "problem"}, text));
  model.views.forEach((told, number) => opened.push(open(told, number)));
  if (opened.length) select(0);
}

function select(number, focus = false) {
  opened.forEach((view, i) => {
    view.tab.setAttribute("aria-selected", i === number);
    view.tab.tabIndex = i === number ? 0 : -1;
    view.panel.hidden = i !== number;
  });
  if (focus) opened[number].tab.focus();
  opened[number].ask();
}

function open(told, number) {
  const id = fresh("view");
  const tab = element("button", {type: "button", role: "tab", id: `${id}-tab`, "aria-controls": id, onclick: () => select(number)}, told.title);
  tab.addEventListener("keydown", (event) => {
    const step = {ArrowRight: 1, ArrowLeft: -1}[event.key];
    if (step) select((number + step + opened.length) % opened.length, true);
  });
  tabs.append(tab);

  const trouble = element("div", {role: "alert"}), outputs = element("div", {class: "outputs", "aria-live": "off"});
  const failed = (error) => trouble.replaceChildren(element("p", {class: "problem"}, error.message));
  const line = element("code", {}), copy = element("button", {type: "button", class: "small", onclick: async () => {
    try { await navigator.clipboard.writeText(line.textContent); copy.textContent = "copied"; } catch { copy.textContent = "select and copy it"; }
    setTimeout(() => { copy.textContent = "copy"; }, 1500);
  }}, "copy");
  const command = element("div", {class: "line", hidden: !told.command}, line, copy);

  const drawing = new Drawing(number, async (drawn) => {
    if (trouble.firstChild) trouble.replaceChildren();
    await showAll(outputs, drawn, failed);
    line.textContent = drawn.command ?? "";
    outputs.dataset.request = drawn.request;
  }, failed, (busy) => outputs.setAttribute("aria-busy", busy));

  const past = [];
  const values = () => Object.fromEntries(controls.map((c, i) => [told.controls[i].name, c.value]));
  const ask = () => {
    if (panel.hidden) return;
    const now = values();
    const empty = told.controls.find((c) => now[c.name] == null);
    if (empty) return failed(new Error(`Choose a picture for ${empty.label || empty.name}: open a file, or drop one there.`));
    drawing.ask(now);
  };
  const links = (view, name, value) => {
    const other = opened.findIndex((v) => v.told.title === view);
    if (other < 0) return;
    opened[other].set(name, value);
    select(other, true);
  };
  const controls = told.controls.map((c) => control(c, number, () => { if (told.live) ask(); }, failed, links));
  const pictures = controls.filter((c) => c.kind.startsWith("picture")), others = controls.filter((c) => !c.kind.startsWith("picture"));
  const sliders = controls.filter((c) => c.kind === "slider" && c.told.low_label);
  const keep = () => past.push(sliders.map((c) => c.value));
  const all = (pick) => { keep(); sliders.forEach((c) => { c.value = pick(c); }); ask(); };
  const button = (text, act) => element("button", {type: "button", class: "small", onclick: act}, text);
  const tools = element("div", {class: "row"});
  if (sliders.length) {
    tools.append(button(`all ${sliders[0].told.low_label}`, () => all((c) => c.told.low)), button(`all ${sliders[0].told.high_label}`, () => all((c) => c.told.high)));
    for (const c of sliders) c.element.addEventListener("pointerdown", keep, true), c.element.addEventListener("focusin", keep);
  }
  if (pictures.length === 2 && pictures.every((c) => c.slot)) {
    tools.append(button("swap", () => { const [a, b] = pictures.map((c) => c.slot.name); pictures[0].slot.set(b); pictures[1].slot.set(a); }));
  }
  if (sliders.length) tools.append(button("undo", () => {
    const now = sliders.map((c) => c.value).join();
    let before = past.pop();
    while (before && before.join() === now) before = past.pop();
    if (before) { sliders.forEach((c, i) => { c.value = before[i]; }); ask(); }
  }));
  if (!told.live) tools.append(button("draw", ask));

  const panel = element("section", {class: "view", id, role: "tabpanel", "aria-labelledby": `${id}-tab`, hidden: true},
    element("p", {class: "about"}, told.about),
    element("div", {class: "controls"}, element("div", {class: "pictures"}, ...pictures.map((c) => c.element)),
      element("div", {class: "sliders"}, ...others.map((c) => c.element)), tools, trouble),
    outputs, command);
  views.append(panel);
  return {tab, panel, told, ask, set: (name, value) => { controls[told.controls.findIndex((c) => c.name === name)].value = value; }};
}
