"""One module per stage; each takes tables in and gives tables out."""
