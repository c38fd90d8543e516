"""Other people's files: label files, feature files, image folders, test sets."""
