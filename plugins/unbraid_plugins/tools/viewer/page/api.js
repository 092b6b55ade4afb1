// Requests to the server: the token, the description of the model, pictures, and drawings of which the latest wins.

const token = location.hash.slice(1);
const tab = crypto.getRandomValues(new Uint32Array(4)).join("-");

async function call(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, {...options, headers: {"X-Unbraid-Token": token, ...options.headers}, cache: "no-store"});
  } catch {
    throw new Error("the viewer does not answer any more; start `unbraid view` again");
  }
  if (answer.ok) return answer;
  let told = `the viewer answered ${answer.status}`;
  try { told = (await answer.json()).error ?? told; } catch { /* not ours */ }
  throw new Error(told);
}

// The model's description; until it is loaded, `waiting` is told what the server does.
export async function describe(waiting) {
  for (;;) {
    const answer = await call("/api/model"), told = await answer.json();
    if (answer.status !== 202) return told;
    waiting(told.loading);
    await new Promise((done) => setTimeout(done, 200));
  }
}

const pictures = new Map();                        // name and size -> promise of an ImageBitmap

export function picture(name, size) {
  const key = `${name} ${size}`;
  if (!pictures.has(key)) {
    const got = call(`/api/pictures/${encodeURIComponent(name)}?size=${size.join("x")}`)
      .then((answer) => answer.blob()).then((blob) => createImageBitmap(blob));
    got.catch(() => pictures.delete(key));
    pictures.set(key, got);
  }
  return pictures.get(key);
}

export async function give(view, control, file) {
  const answer = await call(`/api/views/${view}/pictures/${encodeURIComponent(control)}`, {method: "POST", body: file});
  return (await answer.json()).name;
}

// One request of a view is on its way at a time. While it is, only the newest wish is kept.
export class Drawing {
  constructor(view, shown, failed, busy) {
    Object.assign(this, {view, shown, failed, busy, wish: null, running: false, sent: 0, drawn: 0});
  }

  ask(values) {
    this.wish = values;
    if (!this.running) this.run();
  }

  async run() {
    this.running = true;
    this.busy(true);
    while (this.wish) {
      const values = this.wish, request = ++this.sent;
      this.wish = null;
      try {
        const answer = await call(`/api/views/${this.view}`, {
          method: "POST", headers: {"Content-Type": "application/json"},
          body: JSON.stringify({values, tab, request})});
        if (answer.status === 204) continue;       // the server has a newer one
        const told = decode(await answer.arrayBuffer());
        if (told.request <= this.drawn) continue;  // an older answer never replaces a newer one
        this.drawn = told.request;
        await this.shown(told);
      } catch (error) {
        this.failed(error);
      }
    }
    this.running = false;
    this.busy(false);
  }
}

// Pixels of one or three channels, as a canvas takes them.
function picked(bytes, [channels, height, width], count) {
  const image = new ImageData(count * width, height), whole = image.data, [g, b] = channels === 3 ? [1, 2] : [0, 0];
  for (let from = 0, to = 0; from < bytes.length; from += channels, to += 4) {
    whole[to] = bytes[from];
    whole[to + 1] = bytes[from + g];
    whole[to + 2] = bytes[from + b];
    whole[to + 3] = 255;
  }
  return image;
}

function decode(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const told = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const start = 4 + length;
  told.bytes = ([from, count]) => new Uint8Array(buffer, start + from, count);
  told.floats = ([from, count]) => new Float32Array(buffer, start + from, count / 4);
  told.whole = ([from, count]) => new Uint32Array(buffer, start + from, count / 4);
  told.signed = ([from, count]) => new Int32Array(buffer, start + from, count / 4);
  told.image = ({pixels, size, count}) => picked(told.bytes(pixels), size, count ?? 1);
  told.bitmap = (place) => createImageBitmap(new Blob([told.bytes(place)], {type: "image/png"}));
  return told;
}
