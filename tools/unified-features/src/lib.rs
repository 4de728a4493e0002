//! Dependencies only: they give every build of the workspace one set of features (docs/adr/0007).
