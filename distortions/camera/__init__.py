"""What cameras, phones and web sites do to a picture: one module per step."""
