"""Ways into the app: a path of stops, symptoms of a broken loop, saved runs, and the words of the pages."""
