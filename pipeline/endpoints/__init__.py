"""Whether the real services answer as the readers expect, found out with one harmless question each."""
