"""How good a model is: metrics, stratified errors, bootstrap."""
