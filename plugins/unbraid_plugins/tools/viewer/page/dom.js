// Elements from names, attributes and children. Texts become text nodes: nothing from a model is markup.

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child != null));
  return made;
}

let count = 0;
export const fresh = (stem) => `${stem}-${++count}`;

export function paint(canvas, bitmap, x = 0, width = bitmap.width) {
  canvas.width = width;
  canvas.height = bitmap.height;
  canvas.getContext("2d").drawImage(bitmap, x, 0, width, bitmap.height, 0, 0, width, bitmap.height);
}

export function save(canvas, name) {
  canvas.toBlob((blob) => download(blob, name), "image/png");
}

export function download(blob, name) {
  const address = URL.createObjectURL(blob);
  element("a", {href: address, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
