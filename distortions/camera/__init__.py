"""What cameras, phones and web sites do to a picture: one module for each part of its way."""
