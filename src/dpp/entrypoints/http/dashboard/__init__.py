"""The pages that people look at: the same answers as the API's, rendered on the server, live in the browser."""
