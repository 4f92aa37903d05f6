"""`mpp simulate`: one service day, played through the public API by clients like those of a real mall."""
