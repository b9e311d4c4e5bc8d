"""What wins back accuracy, one file for each; ``catalogue`` names them."""
