"""The Delivery Performance Platform: signed webhooks in, delivery figures out."""
