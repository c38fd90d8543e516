"""Pictures of how far labels are off."""
