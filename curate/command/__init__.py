"""What the command line needs around a call: options, configuration file, printing."""
