"""What all pages are made of: parts, addresses, and the frame around a page."""
