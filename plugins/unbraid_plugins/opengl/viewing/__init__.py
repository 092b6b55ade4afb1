"""`unbraid render`: pictures, contact sheets and films of meshes, and of what models make."""
