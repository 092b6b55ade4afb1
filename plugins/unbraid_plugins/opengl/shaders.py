"""The drawing of face numbers: the images of a batch below each other in one tall target."""

VERTEX = """
#version 330
uniform int vertices;                              // per image
uniform float images;
in vec4 corner;                                    // clip coordinates
out float gl_ClipDistance[2];
void main() {
    float image = float(gl_VertexID / vertices);
    gl_ClipDistance[0] = corner.w - corner.y;      // nothing leaves its image
    gl_ClipDistance[1] = corner.w + corner.y;
    // row 0 of an image is its top, and the first row in memory: y points down
    gl_Position = vec4(corner.x, (-corner.y + (2.0 * image + 1.0 - images) * corner.w) / images, corner.z, corner.w);
}
"""

FRAGMENT = """
#version 330
uniform int faces;                                 // per image
out uint face;
void main() { face = uint(gl_PrimitiveID % faces) + 1u; }
"""
