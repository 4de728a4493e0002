//! Nothing but dependencies: makes every build of the workspace use one set of features (docs/adr/0007).
