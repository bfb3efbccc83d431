"""A comparison to take away: a page that opens without a server and without the network, and a notebook."""
