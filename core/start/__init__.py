"""Ways into the app: a path of stops, symptoms of a broken loop, and the words that the pages use."""
