// Controls: each makes its element and has `value`; it calls `changed()` when a person changed it.

import {give, picture} from "./api.js";
import {element, fresh, paint, save} from "./dom.js";

const slots = new Map();                           // pictures of one name and size are the same in all views

function slotOf(told) {
  const key = `${told.name} ${told.size} ${told.source}`;
  if (!slots.has(key)) {
    const own = {name: told.pictures[told.start % told.pictures.length] ?? null, watchers: new Set(), bank: [...told.pictures]};
    own.set = (name) => {
      own.name = name;
      if (!own.bank.includes(name)) own.bank.unshift(name);
      own.watchers.forEach((watcher) => watcher());
    };
    slots.set(key, own);
  }
  return slots.get(key);
}

export const setSlot = (name, picked) => {         // a click on the map
  for (const [key, own] of slots) if (key.startsWith(`${name} `)) own.set(picked);
};

const makers = {picture: pictureControl, pictures: picturesControl, slider: sliderControl, choice: choiceControl,
  seed: seedControl, point: pointControl};

export function control(told, view, changed, failed, links) {
  return makers[told.kind](told, view, changed, failed, links);
}

const title = (told) => told.label || told.name;

function chooser(told, view, pick, failed) {
  const input = element("input", {type: "file", accept: "image/*", multiple: told.kind === "pictures", class: "visually-hidden",
    id: fresh("file"), onchange: () => { take(input.files); input.value = ""; }});
  const take = async (files) => {
    for (const file of files) {
      try { pick(await give(view, told.name, file)); } catch (error) { failed(error); }
    }
  };
  const button = element("button", {type: "button", class: "small", onclick: () => input.click()}, "open a file ...");
  const receive = (box) => {
    box.addEventListener("dragover", (event) => { event.preventDefault(); box.classList.add("over"); });
    box.addEventListener("dragleave", () => box.classList.remove("over"));
    box.addEventListener("drop", (event) => { event.preventDefault(); box.classList.remove("over"); take(event.dataTransfer.files); });
    box.addEventListener("paste", (event) => take(event.clipboardData.files));
  };
  return {button, input, receive};
}

function bankOf(told, names, pick) {
  const bank = element("div", {class: "bank", role: "group", "aria-label": `Pictures for ${title(told)}`});
  const draw = (chosen) => {
    const known = new Map([...bank.children].map((button) => [button.dataset.name, button]));
    for (const name of names()) {
      let button = known.get(name);
      if (!button) {
        const canvas = element("canvas", {width: told.size[2], height: told.size[1]});
        button = element("button", {type: "button", "data-name": name, "aria-label": `picture ${name}`, onclick: () => pick(name)}, canvas);
        picture(name, told.size).then((bitmap) => paint(canvas, bitmap)).catch(() => button.remove());
        bank.append(button);
      }
      button.setAttribute("aria-pressed", chosen.includes(name));
    }
  };
  return {bank, draw};
}

function pictureControl(told, view, changed, failed) {
  const slot = slotOf(told);
  const canvas = element("canvas", {width: told.size[2], height: told.size[1], role: "img"});
  const {button, input, receive} = chooser(told, view, (name) => slot.set(name), failed);
  const {bank, draw} = bankOf(told, () => slot.bank, (name) => slot.set(name));
  const box = element("fieldset", {class: "slot", tabindex: 0}, element("legend", {}, title(told)), canvas,
    element("div", {class: "row"}, button, input,
      element("button", {type: "button", class: "small", onclick: () => save(canvas, `${told.name}.png`)}, "save")), bank);
  receive(box);
  const show = async () => {
    draw([slot.name]);
    canvas.setAttribute("aria-label", slot.name ? `${title(told)}: picture ${slot.name}` : `${title(told)}: no picture yet`);
    if (slot.name) try { paint(canvas, await picture(slot.name, told.size)); } catch (error) { failed(error); }
  };
  slot.watchers.add(() => { show(); changed(); });
  show();
  return {element: box, kind: "picture", slot, get value() { return slot.name; }};
}

function picturesControl(told, view, changed, failed) {
  let chosen = told.pictures.slice(told.start, told.start + told.count);
  const bankNames = [...told.pictures];
  const row = element("ol", {class: "bank", "aria-label": `${title(told)}, in order`});
  const set = (names) => { chosen = names; show(); changed(); };
  const pick = (name) => {
    if (!bankNames.includes(name)) bankNames.unshift(name);
    set(chosen.includes(name) ? chosen.filter((other) => other !== name) : [...chosen, name]);
  };
  const {button, input, receive} = chooser(told, view, pick, failed);
  const {bank, draw} = bankOf(told, () => bankNames, pick);
  const box = element("fieldset", {class: "slot", tabindex: 0}, element("legend", {}, `${title(told)} (several, in order)`), row,
    element("div", {class: "row"}, button, input, element("button", {type: "button", class: "small", onclick: () => set([])}, "none")), bank);
  receive(box);
  const show = () => {
    draw(chosen);
    row.replaceChildren(...chosen.map((name) => {
      const canvas = element("canvas", {width: told.size[2], height: told.size[1], role: "img", "aria-label": `picture ${name}`});
      picture(name, told.size).then((bitmap) => paint(canvas, bitmap)).catch(failed);
      return element("li", {}, canvas);
    }));
  };
  show();
  return {element: box, kind: "pictures", get value() { return chosen.length ? chosen : null; }};
}

function sliderControl(told, view, changed, failed, links) {
  const id = fresh("slider");
  const input = element("input", {type: "range", id, min: told.low, max: told.high, step: told.step, value: told.start});
  const output = element("output", {for: id});
  const show = () => { output.value = Number(input.value).toFixed(2); };
  input.addEventListener("input", () => { show(); changed(); });
  show();
  const link = told.link ? element("button", {type: "button", class: "small link", "aria-label": `${told.link[0]} of ${title(told)}`,
    onclick: () => links(...told.link)}, told.link[0]) : null;
  const box = element("div", {class: "slider"}, element("label", {for: id}, title(told)), element("span", {class: "end"}, told.low_label),
    input, element("span", {class: "end"}, told.high_label), output, link);
  return {element: box, kind: "slider", told, get value() { return Number(input.value); }, set value(v) { input.value = v; show(); }};
}

function choiceControl(told, view, changed) {
  const id = fresh("choice");
  const select = element("select", {id, onchange: changed}, ...told.options.map((text) => element("option", {value: text}, text)));
  const box = element("div", {class: "field"}, element("label", {for: id}, title(told)), select);
  return {element: box, kind: "choice", get value() { return select.value; }, set value(v) { select.value = v; }};
}

function seedControl(told, view, changed) {
  const id = fresh("seed");
  const input = element("input", {type: "number", id, min: 0, max: 2 ** 31 - 1, step: 1, value: told.start, onchange: changed});
  const other = () => { input.value = Math.floor(Math.random() * 100000); changed(); };
  const box = element("div", {class: "field"}, element("label", {for: id}, title(told)), input,
    element("button", {type: "button", class: "small", onclick: other}, "another"));
  return {element: box, kind: "seed", get value() { return Math.min(2 ** 31 - 1, Math.max(0, Math.floor(Number(input.value) || 0))); }};
}

function pointControl(told, view, changed) {
  const [low, span] = [told.low, told.high - told.low];
  let place = [...told.start];
  const mark = element("i", {});
  const pad = element("div", {class: "pad", "aria-hidden": "true"}, mark);
  const set = (next) => { place = next.map((v) => Math.min(told.high, Math.max(low, v))); show(); changed(); };
  const inputs = ["x", "y"].map((axis, i) => {
    const id = fresh(axis);
    const input = element("input", {type: "range", id, min: low, max: told.high, step: span / 200, value: place[i],
      oninput: () => set(place.map((v, j) => (i === j ? Number(input.value) : v)))});
    return {input, box: element("div", {class: "field"}, element("label", {for: id}, `${title(told)} ${axis}`), input)};
  });
  const show = () => {
    mark.style.left = `${100 * (place[0] - low) / span}%`;
    mark.style.top = `${100 - 100 * (place[1] - low) / span}%`;
    inputs.forEach(({input}, i) => { input.value = place[i]; });
  };
  const move = (event) => {
    const box = pad.getBoundingClientRect();
    set([low + span * (event.clientX - box.left) / box.width, low + span * (1 - (event.clientY - box.top) / box.height)]);
  };
  pad.addEventListener("pointerdown", (event) => { pad.setPointerCapture(event.pointerId); move(event); });
  pad.addEventListener("pointermove", (event) => { if (event.buttons) move(event); });
  show();
  return {element: element("div", {}, pad, ...inputs.map(({box}) => box)), kind: "point", get value() { return place; }};
}
