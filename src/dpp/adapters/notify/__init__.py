"""How an alert reaches people."""
