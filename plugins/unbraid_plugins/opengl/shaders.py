"""What OpenGL runs: images of a batch lie below each other in one tall target."""

PLACE = """
#version 330
uniform int vertices;                              // per image
uniform float images;
in vec4 corner;                                    // clip coordinates
#ifdef LEAVING                                     // some reach beyond the upper or lower end of their image
out float gl_ClipDistance[2];
#endif
void place(float image) {
#ifdef LEAVING
    gl_ClipDistance[0] = corner.w - corner.y;
    gl_ClipDistance[1] = corner.w + corner.y;
#endif
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
#ifdef COLOURED
in vec3 colour;
out vec3 albedo;
#endif
#ifdef TEXTURED
in vec2 uv;
out vec2 spot;
#endif
#ifdef LIT
in vec3 normal;
out vec3 across;
#endif
flat out int row;
void main() {
    row = gl_VertexID / vertices;
    place(float(row));
#ifdef COLOURED
    albedo = colour;
#endif
#ifdef TEXTURED
    spot = vec2(uv.x, 1.0 - uv.y);
#endif
#ifdef LIT
    across = normal;
#endif
}
"""

SURFACE = """
#version 330
uniform int faces;
flat in int row;
out vec4 seen;                                     // a colour, and the face + 1: whole numbers below 2^24 are exact
#ifdef COLOURED
in vec3 albedo;
#endif
#ifdef TEXTURED
in vec2 spot;
#ifdef LAYERED                                     // a texture per image
uniform sampler2DArray texture_;
vec3 texel() { return textureLod(texture_, vec3(spot, float(row)), 0.0).rgb; }
#else                                              // one for all, looked up faster
uniform sampler2D texture_;
vec3 texel() { return textureLod(texture_, spot, 0.0).rgb; }
#endif
#endif
#ifdef LIT
in vec3 across;
uniform sampler2D light;                           // a row per image, or one: 9 colours, or direction, colour, ambient
vec3 of(int k) { return texelFetch(light, ivec2(k, min(row, textureSize(light, 0).y - 1)), 0).rgb; }
vec3 shading(vec3 n) {                             // as in light.py; the factors of the basis are in the colours
#ifdef DIRECTIONAL
    return of(2) + of(1) * max(0.0, dot(n, of(0)));
#else
    return max(vec3(0.0), of(0) + of(1) * n.y + of(2) * n.z + of(3) * n.x + of(4) * n.x * n.y + of(5) * n.y * n.z
               + of(6) * (3.0 * n.z * n.z - 1.0) + of(7) * n.x * n.z + of(8) * (n.x * n.x - n.y * n.y));
#endif
}
#endif
void main() {
    vec3 colour = vec3(1.0);
#ifdef COLOURED
    colour *= albedo;
#endif
#ifdef TEXTURED
    colour *= texel();
#endif
#ifdef LIT
    colour *= shading(across / max(length(across), 1e-12));
#endif
    seen = vec4(clamp(colour, 0.0, 1.0), float(gl_PrimitiveID % faces + 1));
}
"""


def numbers(*features: str) -> tuple[str, str]:
    """Shaders for the numbers of faces, some of which may be LEAVING their image."""
    return _with(features, VERTEX, FRAGMENT)


def surface(*features: str) -> tuple[str, str]:
    """Shaders for pictures of surfaces: COLOURED, TEXTURED, LAYERED (one per image), LIT, DIRECTIONAL, LEAVING."""
    return _with(features, SURFACE_VERTEX, SURFACE)


def _with(features: tuple[str, ...], vertex: str, fragment: str) -> tuple[str, str]:
    defined = "".join(f"#define {feature}\n" for feature in features)
    head = "#version 330\n"
    return vertex.replace(head, head + defined), fragment.replace(head, head + defined)
