"""Image generation: reserve credits, generate, assemble, capture, notify; or release."""
