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

// Draws a part of an image, an ImageBitmap or ImageData. A canvas that is as large already keeps its memory.
export function paint(canvas, image, x = 0, width = image.width) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== image.height) canvas.height = image.height;
  const pen = canvas.getContext("2d");
  if (image instanceof ImageData) pen.putImageData(image, -x, 0, x, 0, width, image.height);
  else pen.drawImage(image, x, 0, width, image.height, 0, 0, width, image.height);
}

export function save(canvas, name) {
  canvas.toBlob((blob) => download(blob, name), "image/png");
}

export function download(blob, name) {
  const address = URL.createObjectURL(blob);
  element("a", {href: address, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}
