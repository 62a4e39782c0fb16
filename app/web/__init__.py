"""The workbench's server: the gate, signing in, sessions, pictures and streams, and what pages ask for access."""
