"""The Materials Project through mp-api: what is asked, what is kept, and what is done when the service fails."""
