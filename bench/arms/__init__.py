"""What an arm runs on: servers, workers, links, and the host under them."""
