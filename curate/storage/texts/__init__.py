"""Texts that other people wrote: CSV tables, JSON, numbers; what is not plain is refused with its cause."""
