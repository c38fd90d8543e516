"""Several manifests as one."""
