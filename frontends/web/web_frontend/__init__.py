"""What people see in a browser: portal, kiosk, counter, board and office, over the public API alone."""
