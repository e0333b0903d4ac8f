"""Ground floor: what a crystal and a label are, where they come from, how they are kept."""
