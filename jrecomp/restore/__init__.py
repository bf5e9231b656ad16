"""Better pixels from the coefficients of a JPEG file."""
