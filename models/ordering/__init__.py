"""Models of magnetic order: a classifier of its kind and a ranker of spin configurations."""
