//! The tree against a model.
