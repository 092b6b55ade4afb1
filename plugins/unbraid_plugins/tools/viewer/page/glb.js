// A mesh as a GLB file: one primitive with positions, and colours or a texture.

export function glb(positions, faces, colours, uv, png) {
  const views = [], accessors = [], pieces = [];
  let at = 0;
  const view = (bytes, target) => {
    views.push({buffer: 0, byteOffset: at, byteLength: bytes.byteLength, ...(target ? {target} : {})});
    const room = new Uint8Array(Math.ceil(bytes.byteLength / 4) * 4);
    room.set(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    pieces.push(room);
    at += room.length;
    return views.length - 1;
  };
  const accessor = (numbers, type, size, more = {}, target = 34962) => {
    accessors.push({bufferView: view(numbers, target), componentType: numbers instanceof Uint32Array ? 5125 : 5126,
      count: numbers.length / size, type, ...more});
    return accessors.length - 1;
  };
  const least = [Infinity, Infinity, Infinity], most = [-Infinity, -Infinity, -Infinity];
  positions.forEach((v, i) => { least[i % 3] = Math.min(least[i % 3], v); most[i % 3] = Math.max(most[i % 3], v); });
  const attributes = {POSITION: accessor(positions, "VEC3", 3, {min: least, max: most})};
  if (colours) attributes.COLOR_0 = accessor(colours.map(linear), "VEC3", 3);
  if (uv) attributes.TEXCOORD_0 = accessor(uv.map((v, i) => (i % 2 ? 1 - v : v)), "VEC2", 2);
  const told = {asset: {version: "2.0", generator: "unbraid view"}, scene: 0, scenes: [{nodes: [0]}], nodes: [{mesh: 0}], meshes: [
    {primitives: [{attributes, indices: accessor(faces, "SCALAR", 1, {}, 34963), material: 0}]}],
    materials: [{doubleSided: true, pbrMetallicRoughness: {metallicFactor: 0, roughnessFactor: 1}}]};
  if (png && uv) {
    told.images = [{bufferView: view(png), mimeType: "image/png"}];
    told.textures = [{source: 0}];
    told.materials[0].pbrMetallicRoughness.baseColorTexture = {index: 0};
  }
  Object.assign(told, {accessors, bufferViews: views, buffers: [{byteLength: at}]});
  const text = new TextEncoder().encode(JSON.stringify(told)), padded = Math.ceil(text.length / 4) * 4;
  const file = new Uint8Array(12 + 8 + padded + 8 + at).fill(0x20, 20, 20 + padded), head = new DataView(file.buffer);
  [0x46546c67, 2, file.length, padded, 0x4e4f534a].forEach((v, i) => head.setUint32(4 * i, v, true));
  file.set(text, 20);
  head.setUint32(20 + padded, at, true);
  head.setUint32(24 + padded, 0x004e4942, true);
  let to = 28 + padded;
  for (const piece of pieces) { file.set(piece, to); to += piece.length; }
  return file;
}

const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);   // glTF's colours are linear, ours sRGB
