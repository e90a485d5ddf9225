"""Land status against parcels and control lines; idle public land and premises."""
