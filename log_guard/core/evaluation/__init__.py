"""How well it detects: against labels, a promise, or another model."""
