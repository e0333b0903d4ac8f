"""Published models: artefacts, promotion, the shipped models, copies at a URL."""
