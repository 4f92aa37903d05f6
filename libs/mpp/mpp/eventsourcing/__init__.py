"""The kernel: facts in a log, rules that decide, views that follow."""
