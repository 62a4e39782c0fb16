"""Backlogs of recordings, and galleries of another model: worked on by processes of this machine or of a cluster."""
