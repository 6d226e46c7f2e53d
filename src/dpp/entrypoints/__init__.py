"""Where the platform is entered from outside: HTTP, the worker, the command line."""
