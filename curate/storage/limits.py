"""How large an image may be; read by the command line too, so this module imports nothing."""

MAX_PIXELS = 100_000_000
