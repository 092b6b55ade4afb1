"""`unbraid new-plugin`: a plugin package that is ready to install."""
