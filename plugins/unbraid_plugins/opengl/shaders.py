"""What OpenGL runs: images of a batch lie below each other in one tall target."""

PLACE = """
#version 330
uniform int vertices;                              // per image
uniform float images;
in vec4 corner;                                    // clip coordinates
out float gl_ClipDistance[2];
void place(float image) {
    gl_ClipDistance[0] = corner.w - corner.y;      // nothing leaves its image
    gl_ClipDistance[1] = corner.w + corner.y;
    // row 0 of an image is its top, and the first row in memory: y points down
    gl_Position = vec4(corner.x, (-corner.y + (2.0 * image + 1.0 - images) * corner.w) / images, corner.z, corner.w);
}
"""

VERTEX = PLACE + "void main() { place(float(gl_VertexID / vertices)); }"

FRAGMENT = """
#version 330
uniform int faces;                                 // per image
out uint face;
void main() { face = uint(gl_PrimitiveID % faces) + 1u; }
"""

SURFACE_VERTEX = PLACE + """
in vec3 colour;
in vec2 uv;
in vec3 normal;
out vec3 albedo;
out vec2 spot;
out vec3 across;
flat out int row;
void main() {
    row = gl_VertexID / vertices;
    place(float(row));
    albedo = colour;
    spot = vec2(uv.x, 1.0 - uv.y);
    across = normal;
}
"""

SURFACE = """
#version 330
uniform int faces;
uniform int textured;                              // 0, or 1
uniform int layers;                                // of the texture: 1, or one per image
uniform int lamp;                                  // 0 none, 1 harmonic, 2 directional
uniform sampler2DArray texture_;
uniform sampler2D light;                           // a row per image, or one: 9 colours, or direction, colour, ambient
in vec3 albedo;
in vec2 spot;
in vec3 across;
flat in int row;
layout(location = 0) out vec4 seen;
layout(location = 1) out uvec2 found;              // face + 1, and the bits of z / w
vec3 of(int k) { return texelFetch(light, ivec2(k, min(row, textureSize(light, 0).y - 1)), 0).rgb; }
vec3 shading(vec3 n) {                             // as in light.py; the factors of the basis are in the colours
    if (lamp == 2) return of(2) + of(1) * max(0.0, dot(n, of(0)));
    return max(vec3(0.0), of(0) + of(1) * n.y + of(2) * n.z + of(3) * n.x + of(4) * n.x * n.y + of(5) * n.y * n.z
               + of(6) * (3.0 * n.z * n.z - 1.0) + of(7) * n.x * n.z + of(8) * (n.x * n.x - n.y * n.y));
}
void main() {
    vec3 colour = albedo;
    if (textured != 0) colour *= texture(texture_, vec3(spot, float(min(row, layers - 1)))).rgb;
    if (lamp != 0) colour *= shading(across / max(length(across), 1e-12));
    seen = vec4(clamp(colour, 0.0, 1.0), 1.0);
    found = uvec2(uint(gl_PrimitiveID % faces) + 1u, floatBitsToUint(gl_FragCoord.z * 2.0 - 1.0));
}
"""
