// A mesh that a person turns: three.js, loaded only where a view gives a mesh. Geometry is updated in place.

import * as three from "./three.js";
import {download, element, fresh} from "./dom.js";
import {glb} from "./glb.js";

// Whether the browser draws without a graphics card. Smooth edges take half of the time there.
function inSoftware() {
  const gl = document.createElement("canvas").getContext("webgl2"), known = gl?.getExtension("WEBGL_debug_renderer_info");
  const name = gl ? gl.getParameter(known ? known.UNMASKED_RENDERER_WEBGL : gl.RENDERER) : "";
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|software|basic render/i.test(name);
}

export class Stage {
  constructor(canvas) {
    this.canvas = canvas;
    this.renderer = new three.WebGLRenderer({canvas, antialias: !inSoftware(), alpha: true, preserveDrawingBuffer: true});
    this.scene = new three.Scene();
    this.camera = new three.PerspectiveCamera(30, 1, 0.01, 1000);
    this.lamp = new three.DirectionalLight(0xffffff, 2.4);
    this.ambient = new three.AmbientLight(0xffffff, 0.9);
    this.scene.add(this.lamp, this.ambient);
    this.geometry = new three.BufferGeometry();
    this.material = new three.MeshLambertMaterial({side: three.DoubleSide});
    this.scene.add(new three.Mesh(this.geometry, this.material));
    this.orbit = new three.OrbitControls(this.camera, canvas);
    this.orbit.enablePan = false;
    this.orbit.addEventListener("change", () => this.draw());
    this.texture = null;
    this.placed = false;
    canvas.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.resize()).observe(canvas);
  }

  controls() {
    const box = element("div", {class: "row"});
    const toggle = (text, on, change) => {
      const id = fresh("toggle");
      const input = element("input", {type: "checkbox", id, checked: on, onchange: () => { change(input.checked); this.draw(); }});
      box.append(element("span", {}, input, " ", element("label", {for: id, class: "small"}, text)));
    };
    toggle("lamp", true, (on) => { this.lamp.visible = on; this.ambient.intensity = on ? 0.9 : 3.1; });
    toggle("wireframe", false, (on) => { this.material.wireframe = on; });
    toggle("colours and texture", true, (on) => { this.painted = on; this.dress(); });
    const id = fresh("turn");
    const turn = element("input", {type: "range", id, min: -180, max: 180, step: 1, value: 0, oninput: () => this.azimuth(Number(turn.value))});
    box.append(element("span", {class: "pair"}, element("label", {for: id, class: "small"}, "turn"), turn),
      element("button", {type: "button", class: "small", onclick: () => download(new Blob([this.file()], {type: "model/gltf-binary"}), "mesh.glb")}, "save GLB"));
    return box;
  }

  async show(now, told) {
    const set = (name, place, size) => {
      if (!place) return this.geometry.deleteAttribute(name);
      const numbers = told.floats(place), before = this.geometry.getAttribute(name);
      if (before && before.array.length === numbers.length) {
        before.array.set(numbers);
        before.needsUpdate = true;
      } else {
        this.geometry.setAttribute(name, new three.BufferAttribute(Float32Array.from(numbers), size));
      }
    };
    set("position", now.vertices, 3);
    set("color", now.colours, 3);
    set("uv", now.uv, 2);
    const faces = told.whole(now.faces), before = this.geometry.getIndex();
    if (before && before.array.length === faces.length) { before.array.set(faces); before.needsUpdate = true; }
    else this.geometry.setIndex(new three.BufferAttribute(Uint32Array.from(faces), 1));
    this.geometry.computeVertexNormals();
    this.geometry.computeBoundingSphere();
    this.image = now.texture ? told.bytes(now.texture).slice() : null;
    if (now.texture) {
      const bitmap = await told.bitmap(now.texture), canvas = element("canvas", {width: bitmap.width, height: bitmap.height});
      canvas.getContext("2d").drawImage(bitmap, 0, 0);
      this.texture?.dispose();
      this.texture = new three.CanvasTexture(canvas);
      this.texture.colorSpace = three.SRGBColorSpace;
    } else {
      this.texture = null;
    }
    this.dress();
    if (!this.placed) this.place();
    if (!this.resize()) this.draw();
  }

  dress() {
    const painted = this.painted ?? true, before = [!!this.material.map, this.material.vertexColors];
    this.material.map = painted ? this.texture : null;
    this.material.vertexColors = painted && this.geometry.hasAttribute("color");
    this.material.color.set(painted && (this.texture || this.material.vertexColors) ? 0xffffff : 0xb9bcc2);
    if (before[0] !== !!this.material.map || before[1] !== this.material.vertexColors) this.material.needsUpdate = true;
  }

  place() {
    const {center, radius} = this.geometry.boundingSphere;
    this.orbit.target.copy(center);
    this.distance = 4.2 * (radius || 1);
    this.camera.near = this.distance / 100;
    this.camera.far = this.distance * 10;
    this.placed = true;
    this.azimuth(0);
  }

  azimuth(degrees) {
    const angle = degrees * Math.PI / 180, lift = 0.2;
    this.camera.position.set(Math.sin(angle) * Math.cos(lift), Math.sin(lift), Math.cos(angle) * Math.cos(lift))
      .multiplyScalar(this.distance).add(this.orbit.target);
    this.orbit.update();
    this.draw();
  }

  key(event) {
    const turn = {ArrowLeft: [-0.15, 0], ArrowRight: [0.15, 0], ArrowUp: [0, -0.15], ArrowDown: [0, 0.15]}[event.key];
    const near = {"+": 0.9, "=": 0.9, "-": 1.1}[event.key];
    if (!turn && !near) return;
    event.preventDefault();
    const away = this.camera.position.clone().sub(this.orbit.target), length = away.length() * (near ?? 1);
    const azimuth = Math.atan2(away.x, away.z) + (turn?.[0] ?? 0);
    const polar = Math.min(Math.PI - 0.05, Math.max(0.05, Math.acos(away.y / away.length()) + (turn?.[1] ?? 0)));
    this.camera.position.set(Math.sin(azimuth) * Math.sin(polar), Math.cos(polar), Math.cos(azimuth) * Math.sin(polar))
      .multiplyScalar(length).add(this.orbit.target);
    this.orbit.update();
    this.draw();
  }

  resize() {
    const side = this.canvas.clientWidth || 480, ratio = Math.min(devicePixelRatio, 2);
    if (side === this.side && ratio === this.ratio) return false;              // a new size drops the drawing buffer
    Object.assign(this, {side, ratio});
    this.renderer.setPixelRatio(ratio);
    this.renderer.setSize(side, side, false);
    this.draw();
    return true;
  }

  draw() {
    this.lamp.position.copy(this.camera.position).add(new three.Vector3(-0.3 * this.distance, 0.5 * this.distance, 0));
    this.renderer.render(this.scene, this.camera);
  }

  file() {
    const array = (name) => this.geometry.getAttribute(name)?.array;
    return glb(array("position"), this.geometry.getIndex().array, array("color"), array("uv"), this.image);
  }
}
