// Outputs: each is a figure that is kept from drawing to drawing and takes what the server told of it.

import {picture} from "./api.js";
import {setSlot} from "./controls.js";
import {element, fresh, paint, save} from "./dom.js";

const COLOURS = ["#d1495b", "#2f6f9f", "#3f8f5f", "#c98a1b", "#7a5195", "#4aa3a2", "#8d6e63", "#5c6bc0", "#9e9d24", "#ad1457"];
const shows = {picture: pictureFigure, strip: stripFigure, film: filmFigure, points: pointsFigure, mesh: meshFigure, text: textFigure};

export async function showAll(box, told, failed) {
  const kept = new Map([...box.children].map((figure) => [figure.dataset.key, figure]));
  const figures = [];
  for (const output of told.outputs) {
    const key = `${output.kind} ${output.name}`;
    let figure = kept.get(key);
    if (!figure) {
      figure = await shows[output.kind](output, failed);
      figure.dataset.key = key;
    }
    await figure.show(output, told);
    figures.push(figure);
  }
  if (figures.length !== box.children.length || figures.some((figure, i) => box.children[i] !== figure)) box.replaceChildren(...figures);
}

function framed(kind, output, ...children) {
  return element("figure", {class: kind}, output.name ? element("figcaption", {}, output.name) : null, ...children);
}

function pictureFigure(output) {
  const canvas = element("canvas", {role: "img", "aria-label": output.name || "the result"});
  const figure = framed("picture", output, canvas, element("div", {class: "row"},
    element("button", {type: "button", class: "small", onclick: () => save(canvas, `${output.name || "result"}.png`)}, "save PNG")));
  figure.show = (now, told) => paint(canvas, told.image(now));
  return figure;
}

function stripFigure(output) {
  const list = element("ol", {}), sheet = element("canvas", {});
  const figure = framed("strip", output, list, element("div", {class: "row"},
    element("button", {type: "button", class: "small", onclick: () => save(sheet, `${output.name || "strip"}.png`)}, "save PNG")));
  figure.show = (now, told) => {
    const image = told.image(now), width = image.width / now.count;
    paint(sheet, image);
    while (list.children.length > now.count) list.lastChild.remove();
    while (list.children.length < now.count) {
      list.append(element("li", {}, element("canvas", {role: "img"}), element("span", {})));
    }
    [...list.children].forEach((item, i) => {
      const caption = now.captions[i] ?? "";
      paint(item.firstChild, image, i * width, width);
      item.firstChild.setAttribute("aria-label", `${now.name} ${i + 1} of ${now.count} ${caption}`);
      item.lastChild.textContent = caption;
    });
  };
  return figure;
}

function filmFigure(output) {
  const canvas = element("canvas", {role: "img", "aria-label": output.name || "film"}), id = fresh("frame");
  let image = null, now = output, frame = 0, playing = !matchMedia("(prefers-reduced-motion: reduce)").matches, last = 0;
  const slider = element("input", {type: "range", id, min: 1, step: 1, value: 1, oninput: () => { playing = false; turn(Number(slider.value) - 1); }});
  const button = element("button", {type: "button", class: "small", onclick: () => { playing = !playing; label(); }}, "");
  const label = () => { button.textContent = playing ? "pause" : "play"; };
  const turn = (to) => {
    frame = to % now.count;
    slider.value = frame + 1;
    if (image) paint(canvas, image, frame * image.width / now.count, image.width / now.count);
    label();
  };
  const tick = (time) => {
    if (playing && image && time - last > 1000 / now.fps) { last = time; turn(frame + 1); }
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  const figure = framed("film", output, canvas, element("div", {class: "row"}, button, element("label", {for: id, class: "small"}, "frame"), slider));
  figure.show = (next, told) => {
    image = told.image(next);
    now = next;
    slider.max = now.count;
    turn(Math.min(frame, now.count - 1));
  };
  return figure;
}

function pointsFigure(output, failed) {
  const canvas = element("canvas", {width: 760, height: 760, role: "img"}), key = element("ul", {class: "key"});
  let places = [], now = output, at = [];
  const near = (event) => {
    const box = canvas.getBoundingClientRect(), scale = canvas.width / box.width;
    const [x, y] = [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
    let best = -1, least = 26 ** 2;
    at.forEach(([px, py], i) => { const d = (px - x) ** 2 + (py - y) ** 2; if (d < least) { least = d; best = i; } });
    return best;
  };
  canvas.addEventListener("click", (event) => { const i = near(event); if (i >= 0) take(i); });
  const take = (i) => { setSlot(now.target, now.pictures[i]); chosen.value = i + 1; mark(i); };
  const id = fresh("point");
  const chosen = element("input", {type: "range", id, min: 1, step: 1, value: 1, onchange: () => take(Number(chosen.value) - 1)});
  const preview = element("canvas", {class: "taken", role: "img", hidden: true});
  const mark = (i) => {
    draw();
    preview.hidden = false;
    picture(now.pictures[i], now.size).then((bitmap) => paint(preview, bitmap)).catch(failed);
    preview.setAttribute("aria-label", `picture ${now.pictures[i]}, now ${now.target}`);
    const pen = canvas.getContext("2d");
    pen.strokeStyle = getComputedStyle(canvas).color;
    pen.lineWidth = 3;
    pen.beginPath();
    pen.arc(...at[i], 10, 0, 7);
    pen.stroke();
  };
  let groups = null;
  const draw = () => {
    const pen = canvas.getContext("2d");
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.globalAlpha = 0.75;
    at.forEach(([x, y], i) => {
      pen.fillStyle = COLOURS[groups ? Math.max(groups[i], 0) % COLOURS.length : 1];
      pen.beginPath();
      pen.arc(x, y, 4, 0, 7);
      pen.fill();
    });
    pen.globalAlpha = 1;
  };
  const figure = framed("points", output, canvas, preview, key, element("div", {class: "row"}, element("label", {for: id, class: "small"}, "point"), chosen));
  figure.show = (next, told) => {
    now = next;
    places = told.floats(next.places);
    groups = next.groups ? told.signed(next.groups) : null;
    const xs = places.filter((_, i) => i % 2 === 0), ys = places.filter((_, i) => i % 2 === 1);
    const ends = (v) => [v.reduce((a, b) => Math.min(a, b), Infinity), v.reduce((a, b) => Math.max(a, b), -Infinity)];
    const [[x0, x1], [y0, y1]] = [ends(xs), ends(ys)], side = canvas.width - 40;
    at = [...xs].map((x, i) => [20 + side * (x - x0) / (x1 - x0 || 1), 20 + side * (1 - (ys[i] - y0) / (y1 - y0 || 1))]);
    chosen.max = at.length;
    canvas.setAttribute("aria-label", `${at.length} codes; choose one with the slider below`);
    const used = groups ? [...new Set(groups)].filter((g) => g >= 0).sort((a, b) => a - b) : [];
    key.replaceChildren(...used.slice(0, 40).map((g) => {
      const dot = element("i", {});
      dot.style.background = COLOURS[g % COLOURS.length];
      return element("li", {}, dot, next.names[g] ?? String(g));
    }));
    draw();
  };
  return figure;
}

async function meshFigure(output, failed) {
  const {Stage} = await import("./mesh.js");
  const canvas = element("canvas", {tabindex: 0, role: "img", "aria-label": `${output.name || "mesh"}; arrow keys turn it, + and - zoom`});
  const figure = framed("mesh", output, canvas);
  let stage = null;
  try {
    stage = new Stage(canvas);
  } catch {
    canvas.remove();
    figure.append(element("p", {}, "This browser has no WebGL, so the mesh can't be turned here."));
  }
  if (stage) figure.append(stage.controls());
  figure.show = async (now, told) => { if (stage) await stage.show(now, told); };
  return figure;
}

function textFigure(output) {
  const text = element("pre", {});
  const figure = framed("text", output, text);
  figure.show = (now) => { text.textContent = now.text; };
  return figure;
}
