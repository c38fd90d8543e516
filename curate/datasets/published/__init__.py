"""Published test sets in the files that their authors give out."""
