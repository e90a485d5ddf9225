"""A project, its steps in order, fingerprints, and the manifest of a run."""
