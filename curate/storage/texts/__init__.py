"""Texts that other people wrote: CSV tables, JSON, numbers; anything unusual is refused with a reason."""
