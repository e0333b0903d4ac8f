"""Demonstrations of the published methods: each trains or tests one method in minutes and reports the checks that it makes."""
