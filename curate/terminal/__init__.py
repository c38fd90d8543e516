"""Plumbing of the command line: console, options, configuration file, exit codes."""
