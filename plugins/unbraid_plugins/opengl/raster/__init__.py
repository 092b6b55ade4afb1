"""The face that each pixel shows: by OpenGL without a window, or by torch alone."""
