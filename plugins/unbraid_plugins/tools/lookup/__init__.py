"""Look-ups: `unbraid list`, `show`, `plugins` and `completion`, with a catalogue that is kept between processes."""
