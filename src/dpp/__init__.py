"""The Delivery Performance Platform: signed webhooks in, delivery figures out."""

__version__ = "0.1.0"
