"""Shaders of OpenGL: the images of a batch lie below each other in tall targets."""

PLACE = """
#version 330
uniform int rows;                                  // of corners, per image
uniform float images;
in vec4 corner;                                    // clip coordinates
flat out int last;                                 // the row of a face's last corner is the face
#ifdef LEAVING                                     // some reach beyond the upper or lower end of their image
out float gl_ClipDistance[2];
#endif
int place() {
    int image = gl_VertexID / rows;
    last = gl_VertexID - image * rows;
#ifdef LEAVING
    gl_ClipDistance[0] = corner.w - corner.y;
    gl_ClipDistance[1] = corner.w + corner.y;
#endif
    // row 0 of an image is its top, and the first row in memory: y points down
    gl_Position = vec4(corner.x, (-corner.y + (2.0 * float(image) + 1.0 - images) * corner.w) / images, corner.zw);
    return image;
}
"""

VERTEX = PLACE + "void main() { place(); }"

FRAGMENT = """
#version 330
flat in int last;
out int face;                                      // + 1: 0 is where nothing is
void main() { face = last + 1; }
"""

SURFACE_VERTEX = PLACE + """
#ifdef COLOURED
in vec3 colour;
out vec3 albedo;
#endif
#ifdef TEXTURED
in vec2 spot;
out vec2 here;
#endif
#ifdef LIT
in vec3 normal;
out vec3 across;
flat out int image;
#endif
void main() {
    int number = place();
#ifdef COLOURED
    albedo = colour;
#endif
#ifdef TEXTURED
    here = spot;
#endif
#ifdef LIT
    across = normal;
    image = number;
#endif
}
"""

SURFACE = """
#version 330
flat in int last;
out int face;
#ifdef TEXTURED
in vec2 here;
out vec2 texel;                                    // where to look the texture up, as `spots`
#endif
#ifdef COLOURED
in vec3 albedo;
#endif
#ifdef LIT
in vec3 across;
flat in int image;
uniform sampler2D light;                           // a row per image, or one: 9 colours, or direction, colour, ambient
vec3 of(int k) { return texelFetch(light, ivec2(k, min(image, textureSize(light, 0).y - 1)), 0).rgb; }
vec3 shading(vec3 n) {                             // as in light.py; the factors of the basis are in the colours
#ifdef DIRECTIONAL
    return of(2) + of(1) * max(0.0, dot(n, of(0)));
#else
    return max(vec3(0.0), of(0) + of(1) * n.y + of(2) * n.z + of(3) * n.x + of(4) * n.x * n.y + of(5) * n.y * n.z
               + of(6) * (3.0 * n.z * n.z - 1.0) + of(7) * n.x * n.z + of(8) * (n.x * n.x - n.y * n.y));
#endif
}
#endif
#if defined(COLOURED) || defined(LIT)
out vec4 colours;                                  // with which the texture is multiplied, where there is one
#endif
void main() {
    face = last + 1;
#ifdef TEXTURED
    texel = here;
#endif
#if defined(COLOURED) || defined(LIT)
    vec3 seen = vec3(1.0);
#ifdef COLOURED
    seen *= albedo;
#endif
#ifdef LIT
    seen *= shading(across / max(length(across), 1e-12));
#endif
    colours = vec4(seen, 1.0);
#endif
}
"""


def numbers(*features: str) -> tuple[str, str]:
    """Return shaders for the numbers of faces, some of which may be LEAVING their image."""
    return _with(features, VERTEX, FRAGMENT)


def surface(*features: str) -> tuple[str, str]:
    """Return shaders for surfaces that are COLOURED, TEXTURED, LIT, by a DIRECTIONAL light, LEAVING their image."""
    return _with(features, SURFACE_VERTEX, SURFACE)


def _with(features: tuple[str, ...], vertex: str, fragment: str) -> tuple[str, str]:
    defined = "".join(f"#define {feature}\n" for feature in features)
    head = "#version 330\n"
    return vertex.replace(head, head + defined), fragment.replace(head, head + defined)
