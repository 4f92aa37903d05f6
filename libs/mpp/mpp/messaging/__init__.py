"""Facts told to other services: the envelope, the relay that sends, the inbox that receives."""
