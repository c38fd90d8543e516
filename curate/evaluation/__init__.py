"""How well a model's scores agree with human labels: `evaluate`."""
