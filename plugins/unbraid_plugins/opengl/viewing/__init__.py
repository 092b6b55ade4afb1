"""`unbraid render`: pictures, contact sheets and films of meshes from files and from models."""
