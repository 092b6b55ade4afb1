"""The bundled plugins: shared families and one package per paper, each a plugin like any third party's."""
