//! Flat files: the only room that writes under `data/`.
