"""The slow-traffic network: access to parks, provision, gaps."""
