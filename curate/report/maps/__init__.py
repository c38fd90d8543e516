"""The maps of a report: which rows are on them, where, and under which models."""
