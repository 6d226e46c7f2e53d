"""Administration: its pages under ``/admin`` and its part of the API, over the same application functions."""
