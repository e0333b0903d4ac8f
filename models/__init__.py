"""Ground floor: the learners. They know tensors and graphs, never files of crystals or the internet."""
